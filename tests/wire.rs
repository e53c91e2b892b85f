//! The real daemon on real sockets, with real files and a real database; the other side is played by
//! the demo's endpoints.

use hotlined::daemon::demo::{self, Family, Pace, Scene, Wish};

fn played(scene: Scene) {
    played_over(Family::V4, scene);
}

fn played_over(family: Family, scene: Scene) {
    let dir = tempfile::tempdir().unwrap();
    let dir_given = Some(dir.path().to_owned());
    let wish = Wish { once: true, dir: dir_given, scenario: Some(scene), pace: Pace::brisk(), family };
    demo::run(&wish).unwrap();
    assert!(dir.path().join("hotlined.db").exists());
    assert!(!dir.path().join("hotlined.sock").exists(), "the control socket was left behind");
}

#[test]
fn a_call_answered_at_the_desk_is_logged_and_recorded_as_it_was_spoken() {
    played(Scene::Answered);
}

#[test]
fn a_call_flagged_after_three_rings_can_still_be_answered() {
    played(Scene::Late);
}

#[test]
fn a_caller_who_gives_up_leaves_a_ticket_and_no_recording() {
    played(Scene::Abandoned);
}

#[test]
fn a_call_with_nobody_at_the_desk_is_taken_on_the_mobile_by_key() {
    played(Scene::Mobile);
}

#[test]
fn a_call_over_ipv6_is_like_any_other() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        return; // This machine has no IPv6.
    }
    played_over(Family::V6, Scene::Answered);
    played_over(Family::V6, Scene::Mobile);
}
