// A durable subscriber in 20 lines of plain NATS: appends all events of containers to a file, and continues where it stopped.
//   node examples/recorder.mjs <credentials file> <file>
import { appendFileSync, readFileSync } from 'node:fs';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const [credentials, file] = process.argv.slice(2);
const { url, user, password, node, inboxPrefix = `_INBOX.${user}` } = JSON.parse(readFileSync(credentials, 'utf8'));
const options = { user, pass: password, inboxPrefix, name: 'recorder', maxReconnectAttempts: -1 };
const nc = await connect({ servers: url, ...options });

const manager = await jetstreamManager(nc);
await manager.consumers.add('NETLOOM_EVENTS', {
  durable_name: 'recorder',
  filter_subject: `netloom.v1.${node}.evt.container.>`,
  ack_policy: AckPolicy.Explicit,
  max_ack_pending: 1, // the next event arrives after the acknowledgement: the file is in order, even after a crash
});
const consumer = await jetstream(nc).consumers.get('NETLOOM_EVENTS', 'recorder');
for await (const message of await consumer.consume()) {
  appendFileSync(file, `${message.string()}\n`);
  message.ack();
}
