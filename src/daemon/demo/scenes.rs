//! The four calls, as their people live them.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use super::{
    Pace, Scene,
    audio::{self, Played},
    checks::{Checks, Expected, Talk},
    endpoint::{Call, CallEvent, Endpoint},
    folder::{CONFIRM, DESK, HOTLINE, MOBILE},
    narrator::Narrator,
};
use crate::{
    daemon::clock,
    desk::ticket::{Outcome, Side},
    sip::{
        message::{HeaderName, Status},
        ua::InviteRefused,
    },
};

/// No step of a scene takes longer where all is well.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where both sides begin to speak at the same moment, after both know that they are connected.
const BREATH: Duration = Duration::from_millis(200);

/// The people and the house.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) carrier: Endpoint,
    pub(super) desk: Endpoint,
    pub(super) server: SocketAddr,
    pub(super) narrator: Narrator,
    pub(super) pace: Pace,
    pub(super) checks: Checks,
}

/// A piece of a telephone conversation: both sides, of the same length.
#[derive(Debug, Clone, Copy)]
struct Dialogue {
    caller: &'static [u8],
    operator: &'static [u8],
    /// Milliseconds of it that are spoken.
    from: usize,
    to: usize,
}

const LEAK_CALLER: &[u8] = include_bytes!("../../../tests/fixtures/dialogues/leak_caller.wav");
const LEAK_OPERATOR: &[u8] = include_bytes!("../../../tests/fixtures/dialogues/leak_operator.wav");

/// “我家厨房水管漏水”.
const LEAK: Dialogue = Dialogue { caller: LEAK_CALLER, operator: LEAK_OPERATOR, from: 0, to: 10_400 };

/// And how it goes on: both sides speak within the first four seconds, as brisk talks are cut there.
const LEAK_GOES_ON: Dialogue =
    Dialogue { caller: LEAK_CALLER, operator: LEAK_OPERATOR, from: 14_000, to: 22_000 };

/// “我要投诉”, where both speak at once for a moment.
const COMPLAINT: Dialogue = Dialogue {
    caller: include_bytes!("../../../tests/fixtures/dialogues/complaint_caller.wav"),
    operator: include_bytes!("../../../tests/fixtures/dialogues/complaint_operator.wav"),
    from: 0,
    to: 9_800,
};

/// The operator's side of the whole first dialogue, PCMA.
pub(super) fn operator_speech() -> Result<Vec<u8>, hound::Error> {
    audio::spoken(LEAK_OPERATOR, 0, usize::MAX)
}

impl Stage {
    pub(super) async fn play(&mut self, scene: Scene) -> anyhow::Result<()> {
        self.checks.scene(scene);
        match scene {
            Scene::Answered => {
                self.narrator.scene("answered: the desk picks up in ring 2").await;
                let outcome = Outcome::AnsweredByDesk;
                let call = Desk { number: "13911110001", name: "王女士", after: 12, dialogue: LEAK };
                self.answered_at_the_desk(call, Side::Caller, outcome).await
            }
            Scene::Late => {
                self.narrator.scene("late: nobody picks up in three rings, then somebody does").await;
                let outcome = Outcome::AnsweredByDesk;
                let call = Desk { number: "13911110002", name: "李女士", after: 34, dialogue: COMPLAINT };
                self.answered_at_the_desk(call, Side::Callee, outcome).await
            }
            Scene::Mobile => {
                self.narrator.scene("mobile: nobody at the desk, the duty mobile takes it").await;
                self.mobile().await
            }
            Scene::Abandoned => {
                self.narrator.scene("abandoned: the caller gives up in ring 2").await;
                self.abandoned().await
            }
        }
    }

    async fn dial(&self, number: &str, name: &str) -> anyhow::Result<Call> {
        let from = format!("\"{name}\" <sip:{number}@{}>", self.carrier.address());
        self.carrier.call(self.server, HOTLINE, &from).await.context("the carrier's call")
    }

    async fn answered_at_the_desk(
        &mut self,
        scene: Desk,
        hangs_up: Side,
        outcome: Outcome,
    ) -> anyhow::Result<()> {
        let Desk { number, name, after, dialogue } = scene;
        let mut caller = self.dial(number, name).await?;
        let mut desk = self.desk.incoming(PATIENCE).await.context("the desk phone is not rung")?;
        desk.ring();
        let rang = clock::now().mono;
        let cycles = after / 10;
        let mut mobile = None;
        if cycles >= 3 {
            // The third ring is over: the mobile rings beside the desk, and nobody looks at it.
            let flagged = self.pace.cycle() * 3;
            let call = self.carrier.incoming(flagged + PATIENCE).await;
            let call = call.context("the mobile is not rung after the third ring")?;
            call.ring();
            mobile = Some(call);
        }
        tokio::time::sleep_until((rang + self.pace.cycle() * after / 10).into()).await;
        desk.answer();
        desk.until(PATIENCE, |event| matches!(event, CallEvent::Acknowledged))
            .await
            .context("the desk phone's 200 is not acknowledged")?;
        answered(&mut caller).await?;
        if let Some(mut mobile) = mobile {
            mobile
                .until(PATIENCE, |event| matches!(event, CallEvent::Cancelled))
                .await
                .context("the mobile rings on after the desk answered")?;
        }
        let talk = self.talk(&mut caller, &mut desk, dialogue).await?;
        let (first, second) = match hangs_up {
            Side::Caller => (&mut caller, &mut desk),
            Side::Callee | Side::House => (&mut desk, &mut caller),
        };
        hang_up(first, second).await?;
        let expected = Expected {
            caller: number,
            outcome,
            ring: cycles + 1,
            flagged_after: (cycles >= 3).then(|| self.pace.cycle() * 3),
            answered_by: Some(DESK.0),
            hung_up_first: hangs_up,
            talk: Some(talk),
        };
        self.checks.ticket(expected).await
    }

    async fn mobile(&mut self) -> anyhow::Result<()> {
        let status = self.desk.register(self.server, 0).await.context("the desk phone can't sign off")?;
        ensure!(status == Status::OK, "the desk phone's sign-off: expected 200, found {status}");
        let number = "13911110003";
        let mut caller = self.dial(number, "赵先生").await?;
        let mut mobile = self.carrier.incoming(PATIENCE).await.context("the mobile is not rung")?;
        self.forwarded(&mobile, number);
        mobile.ring();
        let rang = clock::now().mono;
        tokio::time::sleep_until((rang + Duration::from_secs(1)).into()).await;
        mobile.answer();
        mobile
            .until(PATIENCE, |event| matches!(event, CallEvent::Acknowledged))
            .await
            .context("the mobile's 200 is not acknowledged")?;

        // “接听请按一”: somebody listens to the end, and presses.
        let prompt = audio::linear(&audio::spoken(CONFIRM, 0, usize::MAX)?);
        let spoken = Duration::from_millis(u64::try_from(prompt.len() / 8)?);
        tokio::time::sleep(spoken + Duration::from_millis(400)).await;
        let heard = audio::track(&mobile.heard(), 8);
        self.checks.same("the mobile heard the prompt", &prompt, &heard);
        if let Ok(event) = caller.until(Duration::ZERO, |e| matches!(e, CallEvent::Answered(_))).await {
            bail!("before the key: expected the caller to hear ringing, found {event:?}");
        }
        mobile.press('1').await?;
        let pressed = clock::now().mono;
        answered(&mut caller).await?;
        let talk = self.talk(&mut caller, &mut mobile, LEAK_GOES_ON).await?;
        hang_up(&mut caller, &mut mobile).await?;

        let ring = pressed.saturating_duration_since(rang).as_millis() / self.pace.cycle().as_millis();
        let expected = Expected {
            caller: number,
            outcome: Outcome::AnsweredByMobile,
            ring: u32::try_from(ring)? + 1,
            flagged_after: (ring >= 3).then(|| self.pace.cycle() * 3),
            answered_by: Some("duty1"),
            hung_up_first: Side::Caller,
            talk: Some(talk),
        };
        let checked = self.checks.ticket(expected).await;
        let status = self.desk.register(self.server, 3600).await.context("the desk phone can't come back")?;
        ensure!(status == Status::OK, "the desk phone's REGISTER: expected 200, found {status}");
        checked
    }

    /// What the carrier is told about a forwarded call.
    fn forwarded(&mut self, mobile: &Call, caller: &str) {
        let header = |name: HeaderName| {
            let invite = mobile.invite.as_ref();
            invite.and_then(|invite| invite.headers.get(&name)).unwrap_or("nothing").to_owned()
        };
        let dialled = mobile.invite.as_ref().and_then(|invite| invite.uri.user()).unwrap_or_default();
        self.checks.equal("the mobile's number is dialled", MOBILE, &*dialled);
        for (name, number) in [(HeaderName::PAssertedIdentity, caller), (HeaderName::Diversion, HOTLINE)] {
            let found = header(name.clone());
            self.checks.contains(&format!("{} of the forwarded call", name.as_str()), number, &found);
        }
    }

    async fn abandoned(&mut self) -> anyhow::Result<()> {
        let number = "13911110004";
        let mut caller = self.dial(number, "孙女士").await?;
        let mut desk = self.desk.incoming(PATIENCE).await.context("the desk phone is not rung")?;
        desk.ring();
        let rang = clock::now().mono;
        tokio::time::sleep_until((rang + self.pace.cycle() * 14 / 10).into()).await;
        caller.hang_up();
        desk.until(PATIENCE, |event| matches!(event, CallEvent::Cancelled))
            .await
            .context("the desk phone rings on after the caller hung up")?;
        caller
            .until(PATIENCE, |event| matches!(event, CallEvent::Refused(InviteRefused::Cancelled)))
            .await
            .context("the caller's CANCEL brought no 487")?;
        let expected = Expected {
            caller: number,
            outcome: Outcome::Abandoned,
            ring: 2,
            flagged_after: None,
            answered_by: None,
            hung_up_first: Side::Caller,
            talk: None,
        };
        self.checks.ticket(expected).await
    }

    /// Both speak, from the same moment on; and each must have heard the other.
    async fn talk(
        &mut self,
        caller: &mut Call,
        operator: &mut Call,
        dialogue: Dialogue,
    ) -> anyhow::Result<Talk> {
        let longest = usize::try_from(self.pace.longest_talk.as_millis())?;
        let to = dialogue.to.min(dialogue.from + longest);
        let caller_says = audio::spoken(dialogue.caller, dialogue.from, to)?;
        let operator_says = audio::spoken(dialogue.operator, dialogue.from, to)?;
        let at: Instant = clock::now().mono + BREATH;
        let (mine, theirs) = tokio::join!(caller.play(&caller_says, at), operator.play(&operator_says, at));
        let (caller_played, operator_played): (Played, Played) = (mine?, theirs?);
        tokio::time::sleep(BREATH).await;
        let talk = Talk {
            caller: audio::linear(&caller_says),
            operator: audio::linear(&operator_says),
            caller_played,
            operator_played,
        };
        self.checks.same("the caller heard the operator", &talk.operator, &audio::track(&caller.heard(), 8));
        self.checks.same("the operator heard the caller", &talk.caller, &audio::track(&operator.heard(), 8));
        Ok(talk)
    }
}

/// A call that the desk answers.
#[derive(Debug, Clone, Copy)]
struct Desk {
    number: &'static str,
    name: &'static str,
    /// Tenths of a ring cycle until the desk picks up.
    after: u32,
    dialogue: Dialogue,
}

async fn answered(caller: &mut Call) -> anyhow::Result<()> {
    let event = caller
        .until(PATIENCE, |event| matches!(event, CallEvent::Answered(_) | CallEvent::Refused(_)))
        .await
        .context("the caller gets no 200")?;
    match event {
        CallEvent::Refused(why) => bail!("the caller: expected 200, found {why:?}"),
        _ => Ok(()),
    }
}

async fn hang_up(first: &mut Call, second: &mut Call) -> anyhow::Result<()> {
    first.hang_up();
    for call in [first, second] {
        call.until(PATIENCE, |event| matches!(event, CallEvent::Ended(_)))
            .await
            .context("a side is not hung up")?;
    }
    Ok(())
}
