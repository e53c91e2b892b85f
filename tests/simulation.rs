//! Random days of a hotline, by seed: any number of phones in any mood, a network that loses, doubles
//! and delays, callers who hang up whenever they like. Whatever happens, every call ends, every dialog
//! closes, every port comes back, and every attempt is one ticket with one outcome.
//!
//! `HOTLINED_SEEDS=5000` asks for more seeds than the usual 300, `HOTLINED_SEED=17` for that one alone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hotlined::{
    call::house::{AtFlag, LeaveTo, MobileOrder, NoticeAt},
    desk::ticket::{Direction, Outcome, Verdict},
    switch::Order,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::world::{HOTLINE, Move, NetworkSettings, Setup, World, phone, seconds};

#[test]
fn whatever_happens_every_call_ends_and_leaves_one_ticket_and_nothing_else() {
    let asked = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seeds = match asked("HOTLINED_SEED") {
        Some(one) => one..one + 1,
        None => 0..asked("HOTLINED_SEEDS").unwrap_or(300),
    };
    let mut failed = Vec::new();
    for seed in seeds {
        let mut world = None;
        let ran = catch_unwind(AssertUnwindSafe(|| live_through(seed, &mut world)));
        let faults = match ran {
            Ok(faults) => faults,
            Err(_) => vec!["a panic, see above".to_owned()],
        };
        if !faults.is_empty() {
            if failed.is_empty() {
                let ladder = world.map(|world| world.report()).unwrap_or_default();
                println!("seed {seed}: {}\n{ladder}", faults.join("; "));
            }
            failed.push((seed, faults));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Lives through the day of that seed, and says what was wrong with it.
fn live_through(seed: u64, kept: &mut Option<World>) -> Vec<String> {
    let mut lot = ChaCha8Rng::seed_from_u64(seed);
    let setup = draw_setup(seed, &mut lot);
    let phones: Vec<String> = setup.house.phones.iter().map(|phone| phone.name.clone()).collect();
    let world = kept.insert(World::open(setup));
    world.media.refuses_ports = lot.random_range(0..40) == 0;
    world.media.refuses_joins = lot.random_range(0..40) == 0;
    world.media.refuses_prompts = lot.random_range(0..20) == 0;
    world.media.refuses_recordings = lot.random_range(0..20) == 0;
    world.media.speech = [None, Some(seconds(1)), Some(seconds(12))][lot.random_range(0..3)];
    for name in &phones {
        let mut script = draw_callee(&mut lot);
        if lot.random_range(0..8) == 0 {
            script.push((lot.random_range(0.0..60.0), Move::Vanish));
        }
        world.script(name, &script);
    }
    if lot.random_range(0..3) == 0 {
        // 801 has a softphone too.
        world.add_phone("soft", "801", "192.0.2.181:5062".parse().unwrap());
        let script = draw_callee(&mut lot);
        world.script("soft", &script);
        world.register("soft", 3600);
    }
    for name in ["duty1", "duty2", "13700000000"] {
        let script = draw_callee(&mut lot);
        world.script(name, &script);
    }
    let mut callers = Vec::new();
    let mut watched = false;
    for caller in 0..lot.random_range(1..=4_u32) {
        world.run_for(lot.random_range(0.0..20.0));
        let script = draw_caller(&mut lot);
        let at = phones[lot.random_range(0..phones.len())].as_str();
        match lot.random_range(0..14) {
            4 => {
                world.call(at, at, "*8", &script);
            }
            5 => {
                let code = ["*71", "*72", "*73", "*75", "*76"][lot.random_range(0..5)];
                world.call(at, at, code, &script);
            }
            6 => {
                let (event, user) = [("dialog", "801"), ("dialog", "away"), ("message-summary", "801")]
                    [lot.random_range(0..3)];
                drop(world.watch(at, event, user, 60));
                watched = true;
            }
            0 => drop(world.call(&phones[0], &phones[0], "13700000000", &script)),
            1 if phones.len() > 1 => drop(world.call(&phones[0], &phones[0], &phones[1], &script)),
            2 => world.order(Order::Away { by: "801".into(), until: None }),
            3 => {
                let last = world.store.tickets.keys().last().copied();
                last.into_iter().for_each(|ticket| world.order(Order::End { ticket }));
            }
            _ => {
                let number = format!("1391111000{caller}");
                callers.push((number.clone(), world.call("trunk", &number, HOTLINE, &script)));
            }
        }
    }
    let mut waited = 0;
    while !world.is_quiet() && waited < 6 * 3600 {
        world.run_for(1.0);
        waited += 1;
    }
    // A key that is not watched again goes dark after a minute.
    world.run_for(if watched { 150.0 } else { 45.0 });
    let mut faults = world.faults();
    if world.switch.subscriptions() != 0 {
        faults.push(format!("{} subscriptions are left", world.switch.subscriptions()));
    }
    faults.extend(tickets_fit(world, &callers));
    // Nothing is due but what registrations want: they last for an hour.
    let due = world.switch.deadline().map(|at| at.saturating_duration_since(world.clocks().mono));
    if waited < 1800 && due.is_some_and(|due| due < seconds(600)) {
        faults.push(format!("something is still due in {due:?}"));
    }
    faults
}

/// One ticket for each attempt that reached us, and each tells what the caller experienced.
fn tickets_fit(world: &World, callers: &[(String, crate::world::CallKey)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, key) in callers {
        let theirs: Vec<_> = world
            .store
            .tickets
            .values()
            .filter(|ticket| ticket.caller.as_ref().is_some_and(|caller| caller.reveal() == number))
            .filter(|ticket| ticket.direction == Direction::Hotline)
            .collect();
        let call = &world.peers[key.peer].calls[&key.usage];
        match theirs.as_slice() {
            [] if call.answered => faults.push(format!("{number} was answered without a ticket")),
            // Every INVITE may have been lost on the way.
            [] => {}
            [ticket] => {
                let answered =
                    matches!(ticket.outcome, Some(Outcome::AnsweredByDesk | Outcome::AnsweredByMobile));
                // Queue and voicemail answer, too, and then anything may come of it but a refusal.
                if call.answered && ticket.outcome == Some(Outcome::Refused) && ticket.hung_up_first.is_none()
                {
                    faults.push(format!("{}: the caller was answered", ticket.id));
                }
                let message = ticket.outcome == Some(Outcome::Message);
                let verdict = ticket.recording.as_ref().map(|recording| &recording.verdict);
                if message && !matches!(verdict, Some(Verdict::Good)) {
                    faults.push(format!("{}: a message, and {verdict:?}", ticket.id));
                }
                if ticket.notice.as_ref().is_some_and(|notice| notice.ended.is_none()) {
                    faults.push(format!("{}: a notice without an end", ticket.id));
                }
                let unrecorded =
                    matches!(verdict, Some(Verdict::Refused | Verdict::None(_))) || world.media.refuses_joins;
                let recorded = ticket
                    .recording
                    .as_ref()
                    .is_some_and(|r| r.report.is_some() && !matches!(r.verdict, Verdict::Failed(_)));
                // Who hangs up in the notice was answered, and there was nothing to record yet.
                if answered && !recorded && !unrecorded {
                    faults.push(format!("{}: answered, but not recorded", ticket.id));
                }
                if answered && ticket.answered_by.is_none() {
                    faults.push(format!("{}: answered by nobody", ticket.id));
                }
            }
            several => faults.push(format!("{number} has {} tickets", several.len())),
        }
    }
    faults
}

fn draw_setup(seed: u64, lot: &mut ChaCha8Rng) -> Setup {
    let mut setup = Setup { seed, ..Setup::default() };
    let names = ["801", "802", "803"];
    let phones = lot.random_range(1..=3);
    setup.house.phones = names[..phones].iter().map(|name| phone(name)).collect();
    setup.registered = names[..phones].iter().copied().filter(|_| lot.random_range(0..4) > 0).collect();
    setup.house.forwarding.at_flag = [AtFlag::Also, AtFlag::Instead, AtFlag::No][lot.random_range(0..3)];
    setup.house.forwarding.order = [MobileOrder::InOrder, MobileOrder::Together][lot.random_range(0..2)];
    setup.house.mobiles.truncate(lot.random_range(0..=2));
    setup.house.notice.at =
        [NoticeAt::OnAnswer, NoticeAt::BeforeRinging, NoticeAt::Off][lot.random_range(0..3)];
    setup.house.notice.refuse_key = Some('9');
    setup.house.forwarding.busy_patience = seconds([0, 20, 90][lot.random_range(0..3)]);
    setup.house.forwarding.speak_number = lot.random_range(0..2) == 0;
    setup.house.queue.leave_key = Some('0');
    setup.house.queue.leave_to = [LeaveTo::Mobile, LeaveTo::Voicemail][lot.random_range(0..2)];
    setup.house.voicemail.on = lot.random_range(0..3) > 0;
    setup.house.voicemail.limit = seconds(30);
    setup.house.longest_call = seconds(900);
    setup.settings.ua.session_expires = Some(seconds(120));
    let rough = lot.random_range(0..3) > 0;
    if rough {
        let slowest = lot.random_range(1..400);
        setup.network = NetworkSettings {
            lost: lot.random_range(0..30),
            doubled: lot.random_range(0..20),
            delay_ms: (0, slowest),
        };
    }
    setup
}

/// Somebody who is called, in any mood.
fn draw_callee(lot: &mut ChaCha8Rng) -> Vec<(f64, Move)> {
    let mut script = Vec::new();
    if lot.random_range(0..5) > 0 {
        script.push((lot.random_range(0.0..3.0), Move::Ring));
    }
    if lot.random_range(0..6) == 0 {
        script.push((lot.random_range(0.0..3.0), Move::EarlyMedia));
    }
    let then = lot.random_range(0.0..40.0);
    match lot.random_range(0..10) {
        0 | 1 => script.push((then, Move::Refuse([486, 480, 603, 404, 500][lot.random_range(0..5)]))),
        2 => script.push((then, Move::Redirect(["802", "13700000000", "19000"][lot.random_range(0..3)]))),
        3 => {}
        _ => {
            script.push((then, Move::Answer));
            for _ in 0..lot.random_range(0..4) {
                let key = ['1', '2', '5'][lot.random_range(0..3)];
                let to = ["801", "802", "803", "13700000000", "19000"][lot.random_range(0..5)];
                let moves = [
                    Move::Press(key),
                    Move::Press('1'),
                    Move::Hold,
                    Move::Resume,
                    Move::Transfer(to),
                    Move::Attend,
                ];
                script.push((then + lot.random_range(0.0..20.0), moves[lot.random_range(0..6)]));
            }
            if lot.random_range(0..2) == 0 {
                script.push((then + lot.random_range(0.0..60.0), Move::HangUp));
            }
        }
    }
    script
}

/// Somebody who calls: hangs up early, late, or never.
fn draw_caller(lot: &mut ChaCha8Rng) -> Vec<(f64, Move)> {
    let mut script = Vec::new();
    if lot.random_range(0..4) == 0 {
        script.push((lot.random_range(0.0..40.0), Move::Hold));
        script.push((lot.random_range(0.0..60.0), Move::Resume));
    }
    if lot.random_range(0..3) == 0 {
        script.push((
            lot.random_range(0.0..40.0),
            [Move::Attend, Move::Transfer("802")][lot.random_range(0..2)],
        ));
    }
    if lot.random_range(0..5) > 0 {
        script.push((lot.random_range(0.0..60.0), Move::HangUp));
    }
    for _ in 0..lot.random_range(0..3) {
        script.push((lot.random_range(0.0..60.0), Move::Press(['9', '0', '1'][lot.random_range(0..3)])));
    }
    script
}
