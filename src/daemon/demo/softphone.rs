//! After the scenes: the daemon stays up for somebody's softphone, and the demo's desk phone answers.

use std::time::Duration;

use super::{
    endpoint::{Call, CallEvent, EndpointError},
    folder::{DESK, HOTLINE, SOFTPHONE},
    scenes::{Stage, operator_speech},
};
use crate::daemon::clock;

/// A registration lasts an hour.
const REGISTER_AGAIN: Duration = Duration::from_secs(1800);

/// How often we look whether somebody calls.
const LOOK: Duration = Duration::from_secs(60);

/// Says how to register, and answers calls until the process is interrupted.
pub(super) async fn wait(stage: &mut Stage) -> anyhow::Result<()> {
    let ((user, password), (desk, _)) = (SOFTPHONE, DESK);
    println!(
        "\nThe daemon stays up. Register a softphone on this machine:\n\
         \x20 server    {} (UDP)\n\
         \x20 user      {user}\n\
         \x20 password  {password}\n\
         Dial {desk}, or the hotline {HOTLINE}: the demo's desk phone answers and speaks. Ctrl-C ends it.",
        stage.server
    );
    let mut registered = clock::now().mono;
    loop {
        match stage.desk.incoming(LOOK).await {
            Ok(call) => drop(tokio::spawn(receive(call))),
            Err(EndpointError::Late(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if clock::now().mono.saturating_duration_since(registered) >= REGISTER_AGAIN {
            registered = clock::now().mono;
            // A registration that fails is tried again in half an hour; the softphone goes on without.
            let _ = stage.desk.register(stage.server, 3600).await;
        }
    }
}

/// Answers after a ring and says the operator's part; the caller hangs up, or we do at the end.
async fn receive(mut call: Call) -> anyhow::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(10);
    call.ring();
    tokio::time::sleep(Duration::from_secs(3)).await;
    call.answer();
    call.until(PATIENCE, |event| matches!(event, CallEvent::Acknowledged)).await?;
    let speech = operator_speech()?;
    call.play(&speech, clock::now().mono).await?;
    call.hang_up();
    Ok(())
}
