//! What Ctrl-C does.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_comparison_says_how_to_go_on() {
    let world = World::new(false).await;
    let slow = Then::DelayBefore(Duration::from_secs(30));
    world.fake.inject(Fault::new(When::Any, slow).always());
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_calcom-sync"));
    command
        .args([
            "reconcile",
            "--from",
            "2099-12-01",
            "--until",
            "2099-12-31",
            "--repair",
        ])
        .env_clear()
        .envs(&world.environment)
        .current_dir(world.dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while world.fake.requests().is_empty() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    interrupt(child.id().unwrap()).await;
    let ended = tokio::time::timeout(AT_MOST, child.wait_with_output()).await;
    let ended = ended.unwrap().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(7), "{err}");
    let command =
        "calcom-sync reconcile --from 2099-12-01T00:00:00Z --until 2099-12-31T00:00:00Z --repair";
    assert!(err.contains(command), "{err}");
    assert!(err.contains("interrupted"), "{err}");
}

async fn interrupt(process: u32) {
    let mut kill = tokio::process::Command::new("kill");
    let ran = kill.args(["-INT", &process.to_string()]).status();
    assert!(ran.await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_watched_until_it_is_interrupted() {
    let world = World::new(false).await;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_calcom-sync"));
    command
        .args(["status", "--watch", "--json"])
        .env_clear()
        .envs(&world.environment)
        .current_dir(world.dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().unwrap();
    let id = child.id().unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    interrupt(id).await;
    let ended = tokio::time::timeout(AT_MOST, child.wait_with_output()).await;
    let ended = ended.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let out = String::from_utf8(ended.stdout).unwrap();
    let documents = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let documents: Vec<Value> = documents.collect();
    assert!(documents.len() >= 2, "{out}");
    assert_eq!(documents[0]["tenants"][0]["health"], "fine");
}
