//! A bundle of few policies, so that publishing takes no time, in which an addition is answered in each way.

use std::fs;
use std::path::Path;

/// How additions are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// One person decides.
    One,
    /// Two persons decide, within half an hour.
    Two,
    /// At once.
    Automatic,
    /// Nobody is let in.
    Reject,
}

impl Mode {
    /// The policies that determine what comes out, while the agreement is in force.
    pub(super) fn determining(self) -> &'static [&'static str] {
        match self {
            Self::One | Self::Automatic => &["model.permit"],
            Self::Two => &["model.hold", "model.permit"],
            Self::Reject => &["model.reject"],
        }
    }

    /// How many persons are asked for.
    pub(super) fn persons(self) -> usize {
        match self {
            Self::One | Self::Automatic | Self::Reject => 1,
            Self::Two => 2,
        }
    }

    /// How long an item waits.
    pub(super) fn milliseconds(self) -> i64 {
        match self {
            Self::Two => 30 * 60_000,
            Self::One | Self::Automatic | Self::Reject => 60 * 60_000,
        }
    }

    fn policies(self) -> String {
        let response = match self {
            Self::Automatic => "automatic",
            Self::One | Self::Two | Self::Reject => "manual-review",
        };
        let mut text = format!(
            "@id(\"model.permit\")\n@category(\"model.permit\")\n@response(\"{response}\")\n\
             @obligation(\"update-group-membership by resource-home GMS\")\n@reason(\"It may.\")\n\
             permit (principal, action == MCX::Action::\"addGroupMember\", resource);\n\
             @id(\"model.agreement\")\n@category(\"ceiling.agreement\")\n@reason(\"Not in force.\")\n\
             forbid (principal, action == MCX::Action::\"addGroupMember\", resource)\n\
             unless {{ context has agreement && context.agreement.status == \"active\" }};\n"
        );
        match self {
            Self::One | Self::Automatic => {}
            Self::Two => text.push_str(
                "@id(\"model.hold\")\n@category(\"review.model\")\n@response(\"manual-review\")\n\
                 @approvals(\"2\")\n@expires(\"PT30M\")\n@reason(\"Two decide.\")\n\
                 forbid (principal, action == MCX::Action::\"addGroupMember\", resource);\n",
            ),
            Self::Reject => text.push_str(
                "@id(\"model.reject\")\n@category(\"ceiling.model\")\n@reason(\"Nobody.\")\n\
                 forbid (principal, action == MCX::Action::\"addGroupMember\", resource);\n",
            ),
        }
        text
    }
}

const MANIFEST: &str = "name = \"model\"\nschema = \"../schemas/mcx.cedarschema\"\nlevel = 1\n\
                        default_expiry = \"PT1H\"\n\n# end\n";

/// Takes the shipped policies away and leaves the access bundle.
pub(super) fn begin(policies: &Path, mode: Mode) {
    for folder in ["automatic", "ceiling", "review"] {
        fs::remove_dir_all(policies.join(folder)).unwrap();
    }
    fs::write(policies.join("bundle.toml"), MANIFEST).unwrap();
    write(policies, mode);
}

pub(super) fn write(policies: &Path, mode: Mode) {
    fs::write(policies.join("model.cedar"), mode.policies()).unwrap();
}
