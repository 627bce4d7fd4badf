//! The async-nats peer of the benchmarks: does what one line of JSON on standard input says, and answers with one line on standard output. The tasks and the answers are
//! those of bench/shared/tasks.ts. Argument: the set-up as JSON.
use async_nats::{Client, ConnectOptions};
use bytes::Bytes;
use futures::{stream, StreamExt, TryStreamExt};
use serde_json::{json, Value};
use std::cell::Cell;
use std::io::BufRead;
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;
type Outcome = Result<Value, Failure>;

fn main() -> Result<(), Failure> {
    let setup: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("no set-up")?)?;
    let mut lines = std::io::stdin().lock().lines();
    let Some(first) = lines.next() else { return Ok(()) };
    let first: Value = serde_json::from_str(&first?)?;
    // Many small round trips are faster on one thread, a flood of messages on several.
    let one_thread = matches!(first["kind"].as_str(), Some("request" | "stream"));
    let runtime = if one_thread { tokio::runtime::Builder::new_current_thread().enable_all().build()? } else { tokio::runtime::Runtime::new()? };
    runtime.block_on(async {
        let options = ConnectOptions::new().subscription_capacity(1 << 22);
        let client = options.connect(text(&setup, "url")?).await?;
        let side = Side { client, published: Cell::new(0) };
        let mut task = first;
        loop {
            println!("{}", side.act(&task).await?);
            let Some(line) = lines.next() else { return Ok(()) };
            task = serde_json::from_str(&line?)?;
        }
    })
}

struct Side {
    client: Client,
    published: Cell<u32>,
}

impl Side {
    async fn act(&self, task: &Value) -> Outcome {
        match text(task, "kind")? {
            "publish" => self.publish(task).await,
            "receive" => self.receive(task).await,
            "request" => self.request(task).await,
            "stream" => self.stream(task).await,
            other => Err(format!("no such task: {other}").into()),
        }
    }

    async fn publish(&self, task: &Value) -> Outcome {
        let (messages, bytes) = (number(task, "messages")?, number(task, "bytes")?);
        let mut payload = vec![b'.'; bytes];
        // Its flush() does not wait for the server: a message to itself behind the others does.
        let inbox = self.client.new_inbox();
        let mut echo = self.client.subscribe(inbox.clone()).await?;
        let clock = Clock::start();
        for _ in 0..messages {
            payload[..4].copy_from_slice(&self.next_number().to_be_bytes());
            self.client.publish("bench.publish", Bytes::copy_from_slice(&payload)).await?;
        }
        self.client.publish(inbox, Bytes::new()).await?;
        self.client.flush().await?;
        echo.next().await.ok_or("no echo")?;
        let mut answer = clock.stop(messages);
        answer["beside"] = json!(1);
        echo.unsubscribe().await?;
        Ok(answer)
    }

    async fn receive(&self, task: &Value) -> Outcome {
        let (messages, bytes, batch) = (number(task, "messages")?, number(task, "bytes")?, number(task, "batch")?);
        let mut subscription = self.client.subscribe("bench.receive").await?;
        self.client.flush().await?;
        let clock = Clock::start();
        self.client.publish("bench.start", format!("{messages} {bytes} {batch}").into()).await?;
        for i in 0..messages {
            let message = subscription.next().await.ok_or("the subscription ended")?;
            if number_in(&message.payload) != Some((i % batch) as u32) || message.payload.len() != bytes {
                return Err(format!("message {i} is not the one that was sent").into());
            }
        }
        let answer = clock.stop(messages);
        subscription.unsubscribe().await?;
        Ok(answer)
    }

    async fn request(&self, task: &Value) -> Outcome {
        let (messages, bytes, outstanding) = (number(task, "messages")?, number(task, "bytes")?, number(task, "outstanding")?);
        let subject = text(task, "subject")?;
        let took: Vec<Cell<f64>> = vec![Cell::new(0.0); messages];
        let clock = Clock::start();
        stream::iter((0..messages).map(Ok::<usize, Failure>))
            .try_for_each_concurrent(outstanding, |i| {
                let took = &took[i];
                async move {
                    let start = Instant::now();
                    let reply = self.client.request(subject.to_owned(), payload(i as u32, bytes)).await?;
                    took.set(start.elapsed().as_secs_f64() * 1e6);
                    if number_in(&reply.payload) != Some(i as u32) {
                        return Err(format!("asked {i}, got another answer").into());
                    }
                    Ok(())
                }
            })
            .await?;
        let mut answer = clock.stop(messages);
        if outstanding == 1 {
            let mut sorted: Vec<f64> = took.iter().map(Cell::get).collect();
            sorted.sort_by(f64::total_cmp);
            answer["p50Us"] = json!(sorted[messages / 2]);
            answer["p99Us"] = json!(sorted[messages * 99 / 100]);
        }
        Ok(answer)
    }

    async fn stream(&self, task: &Value) -> Outcome {
        let (messages, bytes, outstanding) = (number(task, "messages")?, number(task, "bytes")?, number(task, "outstanding")?);
        let subject = text(task, "subject")?;
        let context = async_nats::jetstream::context::ContextBuilder::new()
            .ack_timeout(Duration::from_secs(10))
            .max_ack_inflight(outstanding)
            .build(self.client.clone());
        let clock = Clock::start();
        let waiting = stream::iter(0..messages)
            .then(|_| context.publish(subject.to_owned(), payload(self.next_number(), bytes)))
            .map_ok(|acknowledgement| async { acknowledgement.await })
            .try_buffer_unordered(outstanding);
        let mut waiting = std::pin::pin!(waiting);
        while let Some(acknowledgement) = waiting.try_next().await? {
            if acknowledgement.duplicate {
                return Err("acknowledged as a duplicate".into());
            }
        }
        Ok(clock.stop(messages))
    }

    fn next_number(&self) -> u32 {
        self.published.replace(self.published.get() + 1)
    }
}

struct Clock {
    start: Instant,
    cpu: Duration,
}

impl Clock {
    fn start() -> Clock {
        Clock { cpu: cpu_time(), start: Instant::now() }
    }

    fn stop(&self, messages: usize) -> Value {
        let ms = self.start.elapsed().as_secs_f64() * 1e3;
        json!({ "ms": ms, "cpuNs": (cpu_time() - self.cpu).as_nanos() as f64 / messages as f64 })
    }
}

fn cpu_time() -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: getrusage fills the whole struct; it cannot fail for RUSAGE_SELF and a valid pointer.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let of = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    of(usage.ru_utime) + of(usage.ru_stime)
}

fn payload(number: u32, bytes: usize) -> Bytes {
    let mut payload = vec![b'.'; bytes];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    payload.into()
}

fn number_in(payload: &[u8]) -> Option<u32> {
    payload.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Failure> {
    value[name].as_str().ok_or_else(|| format!("no {name}").into())
}

fn number(value: &Value, name: &str) -> Result<usize, Failure> {
    value[name].as_u64().map(|number| number as usize).ok_or_else(|| format!("no {name}").into())
}
