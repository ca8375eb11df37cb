//! Pushed UE configuration data. It holds credentials, so that no problem ever repeats a value of it.

use std::collections::BTreeMap;

use super::element::Element;
use super::element::Members;
use crate::domain::secret::Secret;
use crate::domain::service::McService;
use crate::domain::ue_configuration::AccessPoint;
use crate::domain::ue_configuration::PdnConnectivity;
use crate::domain::ue_configuration::ServerUris;
use crate::domain::ue_configuration::UeConfigurationData;

const CONNECTIONS_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 2_048;

/// Pushed configuration data.
pub(in crate::domain) fn configuration(element: &Element<'_>) -> Option<UeConfigurationData> {
    let members = element.object_of(&[
        "mc_system_id",
        "pdn_connectivity",
        "servers",
        "default_user_profile",
    ])?;
    let mc_system_id = members
        .required("mc_system_id")
        .and_then(|id| id.parsed_unquoted("an MC system ID: a domain name"));
    let pdn_connectivity = members
        .required("pdn_connectivity")
        .and_then(|connections| connections.list(CONNECTIONS_MAX))
        .map(|connections| connections.iter().map(connection).collect::<Vec<_>>());
    let servers = members.required("servers").and_then(|uris| servers(&uris));
    let default_user_profile = optional_text(&members, "default_user_profile");
    Some(UeConfigurationData {
        mc_system_id: mc_system_id?,
        pdn_connectivity: pdn_connectivity?.into_iter().collect::<Option<_>>()?,
        servers: servers?,
        default_user_profile,
    })
}

fn connection(element: &Element<'_>) -> Option<PdnConnectivity> {
    let members = element.object_of(&[
        "hplmn",
        "vplmn",
        "mc_services",
        "mc_common_core_services",
        "mc_identity_management",
    ])?;
    let network = |plmn: Element<'_>| {
        plmn.parsed_unquoted("a PLMN ID: three digits, a hyphen, two or three digits")
    };
    let hplmn = members.required("hplmn").and_then(network);
    let vplmn = members.optional("vplmn").and_then(network);
    let mc_services = members
        .required("mc_services")
        .and_then(|point| access_point(&point));
    let optional_point = |name| {
        members
            .optional(name)
            .and_then(|point| access_point(&point))
    };
    let mc_common_core_services = optional_point("mc_common_core_services");
    let mc_identity_management = optional_point("mc_identity_management");
    Some(PdnConnectivity {
        hplmn: hplmn?,
        vplmn,
        mc_services: mc_services?,
        mc_common_core_services,
        mc_identity_management,
    })
}

fn access_point(element: &Element<'_>) -> Option<AccessPoint> {
    let members = element.object_of(&["apn", "credentials"])?;
    let apn = required_text(&members, "apn");
    let credentials = optional_text(&members, "credentials").map(Secret::new);
    Some(AccessPoint {
        apn: apn?,
        credentials,
    })
}

fn servers(element: &Element<'_>) -> Option<ServerUris> {
    let members =
        element.object_of(&["ipv6", "mc_service_servers", "idms", "gms", "cms", "kms"])?;
    let ipv6 = members.optional("ipv6").and_then(|flag| flag.boolean());
    let mc_service_servers = members
        .optional("mc_service_servers")
        .and_then(|servers| servers.object_of(&McService::ALL.map(McService::as_str)))
        .map(|servers| service_servers(&servers));
    let idms = members.required("idms").and_then(|uri| server(&uri));
    let gms = members.required("gms").and_then(|uri| server(&uri));
    let cms = members.required("cms").and_then(|uri| server(&uri));
    let kms = members.required("kms").and_then(|uri| server(&uri));
    Some(ServerUris {
        ipv6: ipv6.unwrap_or_default(),
        mc_service_servers: mc_service_servers.unwrap_or_default(),
        idms: idms?,
        gms: gms?,
        cms: cms?,
        kms: kms?,
    })
}

fn service_servers(servers: &Members<'_>) -> BTreeMap<McService, String> {
    McService::ALL
        .into_iter()
        .filter_map(|service| {
            let uri = servers.optional(service.as_str())?;
            Some((service, server(&uri)?))
        })
        .collect()
}

/// The address of a server (TS 23.280 Annex A.6: an FQDN or a URI). Such addresses are shown in clear, so that they
/// have no place for a secret.
fn server(element: &Element<'_>) -> Option<String> {
    let text = element.bounded_text(TEXT_BYTES_MAX)?;
    if has_room_for_a_secret(&text) {
        element.refuse("must have no user information, query or fragment".to_owned());
        return None;
    }
    Some(text)
}

fn has_room_for_a_secret(address: &str) -> bool {
    if address.contains(['?', '#']) {
        return true;
    }
    if let Some((_, rest)) = address.split_once("://") {
        let authority = rest.split(['/', '\\']).next().unwrap_or(rest);
        return authority.contains('@');
    }
    let Some((before, _)) = address.split_once('@') else {
        return false;
    };
    // A SIP URI begins with the user whom it names; a password would follow.
    let user = before.split_once(':').filter(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips")
    });
    user.is_none_or(|(_, user)| user.contains(':'))
}

fn required_text(members: &Members<'_>, name: &str) -> Option<String> {
    members
        .required(name)
        .and_then(|text| text.bounded_text(TEXT_BYTES_MAX))
}

fn optional_text(members: &Members<'_>, name: &str) -> Option<String> {
    members
        .optional(name)
        .and_then(|text| text.bounded_text(TEXT_BYTES_MAX))
}
