use std::{
    collections::VecDeque,
    io::{BufRead, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use super::*;
use crate::store::{
    facts::StoreFact,
    fixture::{change, ended, id, utc_at},
    transcript::Said,
    writer::{StoreSettings, Writer},
};

/// A worker of our own: answers in the order of its script, and keeps what it was sent.
struct Stub {
    url: String,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Stub {
    fn answering(script: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let heard = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let (kept, mut script) = (
            Arc::clone(&heard),
            script.iter().map(|(status, body)| (*status, (*body).to_owned())).collect::<VecDeque<_>>(),
        );
        std::thread::spawn(move || {
            while let Some((status, body)) = script.pop_front() {
                let Ok((stream, _)) = listener.accept() else { return };
                kept.lock().unwrap().push(read_request(&stream));
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let mut stream = stream;
                stream.write_all((head + &body).as_bytes()).unwrap();
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().clone()
    }
}

/// A whole request with its body, sent by length or in chunks.
fn read_request(stream: &TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        let last = line.trim().is_empty();
        head.push_str(&line);
        if last {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    [head.into_bytes(), body].concat()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

struct House {
    folder: tempfile::TempDir,
    editor: Editor,
    reader: Reader,
}

/// One recorded call: left counts up, right counts down.
async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("hotlined.db");
    let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
    let writer = Writer::start(StoreSettings::new(&database), sender, utc_at("16:00:00.000")).unwrap();
    writer.save(change(ended(7, 3), Vec::new()));
    writer.close(utc_at("23:00:00.000"));
    while !matches!(facts.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}
    let path = folder.path().join("recordings/2026/11/23/20261123-0007.wav");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for sample in 0..30_000_i16 {
        wav.write_sample(sample).unwrap();
        wav.write_sample(-sample).unwrap();
    }
    wav.finalize().unwrap();
    let editor = Editor::open(&database).await.unwrap();
    let reader = Reader::open(&database).await.unwrap();
    House { folder, editor, reader }
}

impl House {
    fn transcriber(&self, url: &str) -> Transcriber {
        let settings = TranscriptSettings {
            url: url.to_owned(),
            model: "whisper-1".to_owned(),
            language: Some("zh".to_owned()),
            api_key: Some("secret".to_owned()),
            timeout: Duration::from_secs(10),
            attempts: 3,
            backlog_days: 7,
            database: self.folder.path().join("hotlined.db"),
            recordings: self.folder.path().join("recordings"),
        };
        Transcriber::new(settings, self.editor.clone()).unwrap()
    }

    async fn found(&self, text: &str) -> Vec<String> {
        let said = self.reader.search(text, 10).await.unwrap();
        said.into_iter().map(|Said { segment, .. }| segment.text).collect()
    }
}

const CALLER: &str = r#"{"task":"transcribe","text":"x","segments":[
    {"id":0,"start":0.5,"end":2.25,"text":" 您好，厨房的水管漏水了。"},
    {"id":1,"start":2.25,"end":9999,"text":"三栋二单元 Room 101 100%"}]}"#;
const OPERATOR: &str = r#"{"text":"好的，马上派人维修。"}"#;

fn now() -> DateTime<Utc> {
    utc_at("20:00:00.000")
}

#[tokio::test]
async fn each_side_is_heard_by_itself_and_what_was_said_is_found_with_its_time() {
    let house = house().await;
    let stub = Stub::answering(&[(200, CALLER), (200, OPERATOR)]);
    house.transcriber(&stub.url).pass(now).await.unwrap();

    let heard = stub.heard();
    assert_eq!(heard.len(), 2);
    for (request, name) in heard.iter().zip(["caller", "operator"]) {
        assert!(contains(request, "POST /v1/audio/transcriptions HTTP/1.1"), "{name}");
        assert!(
            contains(request, "authorization: Bearer secret")
                || contains(request, "Authorization: Bearer secret")
        );
        for part in [
            "whisper-1",
            "verbose_json",
            "timestamp_granularities[]",
            "zh",
            &format!("20261123-0007-{name}.wav"),
        ] {
            assert!(contains(request, part), "{name}: {part}");
        }
        let wav = request.windows(4).position(|window| window == b"RIFF").unwrap();
        let mut wav = hound::WavReader::new(&request[wav..]).unwrap();
        assert_eq!((wav.spec().channels, wav.spec().sample_rate, wav.duration()), (1, 8000, 30_000));
        let sign = if name == "caller" { 1 } else { -1 };
        assert!(
            wav.samples::<i16>().map(Result::unwrap).eq((0..30_000).map(|sample: i16| sample * sign)),
            "{name}"
        );
    }

    let said = house.reader.transcript(id(7)).await.unwrap();
    let times: Vec<_> = said
        .iter()
        .map(|said| (said.channel, said.segment.begins.as_millis(), said.segment.ends.as_millis()))
        .collect();
    // What ends after the recording ends with it.
    let all = [(Channel::Operator, 0, 3750), (Channel::Caller, 500, 2250), (Channel::Caller, 2250, 3750)];
    assert_eq!(times, all);
    assert_eq!(house.found("水管漏水").await, ["您好，厨房的水管漏水了。"]);
    assert_eq!(house.found("漏水").await, ["您好，厨房的水管漏水了。"], "two characters");
    assert_eq!(house.found("room 101").await, ["三栋二单元 Room 101 100%"]);
    assert_eq!(house.found("0%").await, ["三栋二单元 Room 101 100%"], "a sign that means something to LIKE");
    assert_eq!(house.found("\" OR x").await, Vec::<String>::new(), "no query language");
    assert_eq!(house.found("电梯").await, Vec::<String>::new());
    // Nothing waits any more, so nobody is asked again.
    house.transcriber("http://127.0.0.1:9/").pass(now).await.unwrap();
    assert_eq!(house.reader.transcript(id(7)).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_worker_with_a_fault_is_asked_again_later_and_one_that_refuses_is_not() {
    let house = house().await;
    let stub = Stub::answering(&[(503, "{}"), (400, "{}"), (200, "no json"), (200, CALLER)]);
    let transcriber = house.transcriber(&stub.url);
    transcriber.pass(now).await.unwrap();
    assert_eq!(stub.heard().len(), 2, "the caller's side later, the operator's never");
    transcriber.pass(now).await.unwrap();
    assert_eq!(stub.heard().len(), 2, "before its time");
    transcriber.pass(|| now() + TimeDelta::seconds(31)).await.unwrap();
    assert_eq!(stub.heard().len(), 3);
    transcriber.pass(|| now() + TimeDelta::seconds(31 + 61)).await.unwrap();
    let said = house.reader.transcript(id(7)).await.unwrap();
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|said| said.channel == Channel::Caller));
}

#[tokio::test]
async fn a_worker_that_is_away_is_given_up_after_its_attempts() {
    let house = house().await;
    // Nobody listens there.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let transcriber = house.transcriber(&format!("http://{gone}/v1"));
    for hours in 0..5 {
        let job = house.reader.next_transcript(now() + TimeDelta::hours(hours)).await.unwrap();
        assert_eq!(job.is_some(), hours > 0 && hours < 3, "{hours}");
        let clocks: [fn() -> DateTime<Utc>; 5] = [
            now,
            || now() + TimeDelta::hours(1),
            || now() + TimeDelta::hours(2),
            || now() + TimeDelta::hours(3),
            || now() + TimeDelta::hours(4),
        ];
        transcriber.pass(clocks[usize::try_from(hours).unwrap()]).await.unwrap();
    }
    assert_eq!(pause(0), FIRST_PAUSE);
    assert_eq!(pause(60), LONGEST_PAUSE);
}
