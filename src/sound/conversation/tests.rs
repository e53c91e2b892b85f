use super::*;

fn span(from: u64, to: u64) -> Span {
    Span::new(Duration::from_millis(from), Duration::from_millis(to))
}

fn side(speech: &[Span]) -> SideSound {
    SideSound { voice: speech.to_vec(), speech: speech.to_vec(), ..SideSound::default() }
}

#[test]
fn who_begins_while_the_other_speaks_cuts_in() {
    let left = side(&[span(0, 4000), span(9000, 9500)]);
    let right = side(&[span(3200, 6000), span(8000, 12_000)]);
    let call = Conversation::of(left, right, Duration::from_secs(20));
    assert_eq!(
        call.talk_over,
        [
            TalkOver { span: span(3200, 4000), by: Voice::Right },
            TalkOver { span: span(9000, 9500), by: Voice::Left },
        ]
    );
    assert_eq!(call.talked_over(Voice::Right), Duration::from_millis(800));
    assert_eq!((call.cut_ins(Voice::Left), call.cut_ins(Voice::Right)), (1, 1));
    assert_eq!(call.longest_silence, Some(span(12_000, 20_000)));
}

#[test]
fn a_nod_and_a_word_in_the_others_pause_are_no_talk_over() {
    let mut left = side(&[span(0, 4000)]);
    left.voice = vec![span(0, 1800), span(2300, 4000)];
    let right = side(&[span(500, 700), span(1850, 2350)]);
    assert_eq!(Conversation::of(left, right, Duration::from_secs(4)).talk_over, []);
}

#[test]
fn shares_are_of_what_was_spoken() {
    let call = Conversation::of(side(&[span(0, 3000)]), side(&[span(3000, 4000)]), Duration::from_secs(60));
    assert_eq!(call.left_share(), Some(0.75));
    let silent = Conversation::of(SideSound::default(), SideSound::default(), Duration::from_secs(60));
    assert_eq!(silent.left_share(), None);
    assert_eq!(silent.longest_silence, Some(span(0, 60_000)));
}
