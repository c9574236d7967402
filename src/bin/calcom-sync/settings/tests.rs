use std::collections::HashMap;

use calcom::model::PhoneNumber;
use secrecy::ExposeSecret;

use super::*;

fn load(text: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Settings, Failure> {
    use clap::Parser;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, text).unwrap();
    let mut words = vec!["calcom-sync", "check", "--config", path.to_str().unwrap()];
    words.extend(flags);
    let flags = crate::cli::Cli::try_parse_from(words).unwrap().global;
    let known: HashMap<&str, &str> = environment.iter().copied().collect();
    Settings::from_sources(&flags, &|name| known.get(name).map(ToString::to_string))
}

const SALON: &str = "
database = \"from-file.sqlite\"
[[tenants]]
id = \"salon\"
api_key = \"cal_file\"
event_types = [42]
";

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = load(SALON, &[], &[]).unwrap();
    assert_eq!(file.database.to_string(), "from-file.sqlite");
    let salon = &[
        ("CALCOM_SYNC_DATABASE", "from-env.sqlite"),
        ("CALCOM_API_KEY", "cal_env"),
    ];
    let env = load(SALON, salon, &[]).unwrap();
    assert_eq!(env.database.to_string(), "from-env.sqlite");
    assert_eq!(env.tenants[0].api_key.expose_secret(), "cal_env");
    assert_eq!(env.tenants[0].event_types.len(), 1);
    let flag = load(SALON, salon, &["--database", "from-flag.sqlite"]).unwrap();
    assert_eq!(flag.database.to_string(), "from-flag.sqlite");
}

#[test]
fn links_lead_to_the_web_application_if_its_address_is_known() {
    let app = |more: &str| {
        let settings = load(&format!("{SALON}{more}"), &[], &[])?;
        Ok::<_, Failure>(settings.tenants[0].app_url().map(String::from))
    };
    let hosted = Some("https://app.cal.com/".to_owned());
    assert_eq!(app("").unwrap(), hosted);
    assert_eq!(
        app("base_url = \"https://api.cal.com/v2\"\n").unwrap(),
        hosted
    );
    let own = "base_url = \"https://cal.example.org/api/v2\"\n";
    assert_eq!(app(own).unwrap(), None);
    let named = format!("{own}app_url = \"https://cal.example.org\"\n");
    assert_eq!(
        app(&named).unwrap().as_deref(),
        Some("https://cal.example.org/")
    );
    assert!(app("app_url = \"cal.example.org\"\n").is_err());
}

#[test]
fn the_environment_alone_makes_a_tenant() {
    let variables = [
        ("CALCOM_API_KEY", "cal_env"),
        ("CALCOM_EVENT_TYPE_IDS", "42, 43"),
        ("CALCOM_WEBHOOK_SECRET", "new,old"),
        ("DATABASE_URL", "postgres://me:hidden@db.example/salon"),
    ];
    let settings = load("", &variables, &[]).unwrap();
    assert_eq!(settings.tenants[0].id.as_str(), "default");
    assert_eq!(settings.tenants[0].event_types.len(), 2);
    assert_eq!(settings.tenants[0].webhook_secrets.len(), 2);
    assert_eq!(
        settings.database.to_string(),
        "PostgreSQL at db.example/salon"
    );
    assert!(
        !load("", &[("CALCOM_EVENT_TYPE_IDS", "42")], &[])
            .unwrap()
            .has_key()
    );
}

#[test]
fn a_key_for_one_of_several_tenants_needs_its_name() {
    let two = format!("{SALON}[[tenants]]\nid = \"gym\"\napi_key = \"cal_gym\"\n");
    let failure = load(&two, &[("CALCOM_API_KEY", "cal_env")], &[]).unwrap_err();
    assert!(failure.to_string().contains("several tenants"), "{failure}");
    let named = [("CALCOM_API_KEY", "cal_env"), ("CALCOM_TENANT", "gym")];
    let settings = load(&two, &named, &[]).unwrap();
    assert_eq!(settings.tenants[1].api_key.expose_secret(), "cal_env");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let failure = load(
        "listen = \"127.0.0.1:1\"\napi_kye = \"cal_secret\"\n",
        &[],
        &[],
    )
    .unwrap_err();
    let said = failure.to_string();
    assert!(
        said.contains("line 2") && said.contains("`api_kye`"),
        "{said}"
    );
    assert_eq!(failure.code(), 2);
    let failure = load(&SALON.replace("event_types", "event_type"), &[], &[]).unwrap_err();
    assert!(failure.to_string().contains("line 6"), "{failure}");
}

#[test]
fn no_value_is_repeated_in_an_error() {
    for text in [
        "api_kye = \"cal_secret\"",
        "tenants = \"cal_secret\"",
        "[[tenants]]\nid = \"a\"\nwebhook_secrets = \"cal_secret\"",
        "[[tenants]]\nid = \"a\"\nevent_types = [\"cal_secret\"]",
        "sync_key_secret = [\"cal_secret\"]",
        "database = \"mysql://me:cal_secret@db/x\"",
        "listen = \"cal_secret\"",
        "public_url = \"cal_secret\"",
        "sync_key_secret = \"cal_secret",
        "sync_key_secret = cal_secret",
        "[[tokens]]\nname = \"n\"\ntoken = \"cal_secret\"\nrole = \"cal_secret\"",
        "[notify]\nurl = \"cal_secret\"",
        "[mail]\nsmtp = \"cal_secret\"\nfrom = \"a\"\nto = []",
    ] {
        let failure = load(text, &[], &[]).unwrap_err();
        let causes = calcom_causes(&failure);
        assert!(!causes.contains("cal_secret"), "{text}: {causes}");
    }
}

fn calcom_causes(failure: &Failure) -> String {
    let mut said = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        said += &format!(": {error}");
        cause = error.source();
    }
    said
}

#[test]
fn debug_output_shows_no_secret() {
    let text = format!(
        "sync_key_secret = \"hidden\"\n{SALON}webhook_secrets = [\"hidden\"]\n\
         [[tokens]]\nname = \"ann\"\ntoken = \"hidden-hidden-hidden\"\nrole = \"viewer\"\n\
         [notify]\nurl = \"https://example.org/hidden\"\nsecret = \"hidden\"\n\
         [mail]\nsmtp = \"smtps://a:hidden@example.org\"\nfrom = \"a@example.org\"\nto = [\"b@example.org\"]\n"
    );
    let shown = format!(
        "{:?}",
        load(&text, &[], &["--database", "postgres://me:hidden@db/x"]).unwrap()
    );
    assert!(
        !shown.contains("hidden") && !shown.contains("cal_file"),
        "{shown}"
    );
}

#[test]
fn the_example_is_valid_and_says_everything() {
    let example = include_str!("../../../../examples/calcom-sync.toml");
    let settings = load(example, &[], &[]).unwrap();
    assert_eq!(settings.tenants.len(), 2);
    assert!(settings.notify.is_some() && settings.mail.is_some());
    let salon = &settings.tenants[0];
    assert_eq!(
        (salon.places.branches.len(), salon.places.staff.len()),
        (2, 2)
    );
    assert!(salon.default_region.is_some() && salon.mcp.is_some());
    assert!(salon.language.is_some() && salon.time_zone.is_some());
    assert!(settings.keep.log.is_none() && settings.keep.reviews.is_some());
    assert!(settings.public_url.is_some() && settings.sync_key_secret.is_some());
}

#[test]
fn no_password_is_sent_to_a_mail_server_in_the_clear() {
    let mail = |smtp: &str| {
        let text = format!(
            "[mail]\nsmtp = \"{smtp}\"\nfrom = \"a@example.org\"\nto = [\"b@example.org\"]\n"
        );
        load(&text, &[], &[]).map(drop)
    };
    assert!(mail("smtp://me:hidden@mail.example.org").is_err());
    assert!(mail("smtp://me:hidden@mail.example.org?tls=opportunistic").is_err());
    mail("smtp://me:hidden@mail.example.org?tls=required").unwrap();
    mail("smtps://me:hidden@mail.example.org").unwrap();
    mail("smtp://mail.example.org").unwrap();
}

#[test]
fn branches_and_staff_are_read_and_checked() {
    let with = |more: &str| load(&format!("{SALON}{more}"), &[], &[]);
    let branch = "[[tenants.branches]]\nid = \"mitte\"\nname = \"Salon Mitte\"\ntime_zone = \"Europe/Berlin\"\n";
    let staff = "[[tenants.staff]]\nid = \"hanna\"\nname = \"Hanna\"\n";
    let settings = with(&format!(
        "default_region = \"de\"\n{branch}opening_hours = [\"Mon-Fri 09:00-18:00\", \"Sat 09:00-13:00\"]\n\
         phone_numbers = [\"030 123456\", \"+43 1 5880080\"]\nevent_types = [43]\n\
         {staff}user = 7\nevent_types = [44]\nbranches = [\"mitte\"]\n"
    ));
    let tenant = settings.unwrap().tenants.remove(0);
    let event_types: Vec<i64> = tenant.event_types.iter().map(|id| id.get()).collect();
    assert_eq!(event_types, [42, 43, 44]);
    assert!(tenant.hosts.contains(&7.into()));
    let mitte = tenant.places.branch("mitte").unwrap();
    let numbers: Vec<&str> = mitte
        .phone_numbers
        .iter()
        .map(PhoneNumber::as_str)
        .collect();
    assert_eq!(numbers, ["+4315880080", "+4930123456"]);
    assert_eq!(
        mitte.opening_hours.to_string(),
        "Mon-Fri 09:00-18:00, Sat 09:00-13:00"
    );

    let number = "phone_numbers = [\"+4930123456\"]\n";
    let other = branch.replace("mitte", "west");
    for (wrong, told) in [
        ("default_region = \"Germany\"\n".to_owned(), "is no country"),
        ("language = \"ü\"\n".to_owned(), "is no code"),
        (
            "time_zone = \"Europe/Berlín\"\n".to_owned(),
            "is no time zone",
        ),
        (branch.replace("Berlin", "Berlln"), "is no time zone"),
        (
            format!("{branch}opening_hours = [\"Mon 18:00-09:00\"]\n"),
            "write them as in",
        ),
        (
            format!("{branch}phone_numbers = [\"030 123456\"]\n"),
            "set default_region",
        ),
        (
            format!("{branch}{number}{other}{number}"),
            "the branches mitte and west have the same phone number",
        ),
        (
            format!("{branch}{branch}"),
            "`tenants.branches` is wrong: there are two branches mitte",
        ),
        (
            format!("{branch}{staff}branches = [\"west\"]\n"),
            "`tenants.staff` is wrong: hanna works at branch west, which does not exist",
        ),
        (
            branch.replace("Salon Mitte", " "),
            "without an id or a name",
        ),
        (format!("{branch}adress = \"x\"\n"), "`adress`"),
    ] {
        let failure = with(&wrong).unwrap_err().to_string();
        assert!(failure.contains(told), "{failure}");
    }
}

#[test]
fn a_token_for_mcp_is_the_tenants_own() {
    let token = |settings: Result<Settings, Failure>| {
        let mcp = settings.map(|settings| settings.tenants[0].mcp.clone());
        mcp.map(|mcp| mcp.map(|mcp| mcp.token.expose_secret().to_owned()))
    };
    assert_eq!(token(load(SALON, &[], &[])).unwrap(), None);
    let file = format!("{SALON}[tenants.mcp]\ntoken = \"sixteen-bytes-!!\"\n");
    let of_file = token(load(&file, &[], &[])).unwrap();
    assert_eq!(of_file.as_deref(), Some("sixteen-bytes-!!"));
    let env = [("CALCOM_MCP_TOKEN", "another-sixteen-bytes")];
    let of_env = token(load(&file, &env, &[])).unwrap();
    assert_eq!(of_env.as_deref(), Some("another-sixteen-bytes"));
    let shared = "[[tenants]]\nid = \"gym\"\napi_key = \"cal_gym\"\n[tenants.mcp]\ntoken = \"sixteen-bytes-!!\"\n";
    for (wrong, why) in [
        (format!("{SALON}[tenants.mcp]\n"), "is missing for salon"),
        (
            format!("{SALON}[tenants.mcp]\ntoken = \"fifteen-bytes-!\"\n"),
            "is too short for salon",
        ),
        (format!("{file}{shared}"), "is the same for two tenants"),
    ] {
        let failure = load(&wrong, &[], &[]).unwrap_err().told();
        assert!(failure.contains(why), "{failure}");
        assert!(!failure.contains("bytes"), "{failure}");
    }
}
