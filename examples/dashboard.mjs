// A dashboard in 20 lines: the containers of this host, and their events.
//   node examples/dashboard.mjs [credentials file]
import { connect } from 'netloom/client';

const [creds = '/run/netloom/credentials/viewer.json'] = process.argv.slice(2);
const client = await connect({ creds, name: 'dashboard' });
const { containers, streamSequence } = await client.container.list();
const states = new Map(containers.map(({ id, state }) => [id, state]));
console.table(Object.fromEntries(states));

for await (const { time, type, subject, data } of client.events({ since: (streamSequence ?? 0) + 1 })) {
  console.log(time, type, subject, JSON.stringify(data));
  if (!type.startsWith('dev.netloom.container.')) continue;
  const { container } = await client.container.inspect({ id: subject, exact: true }).catch(ifGone);
  if (container) states.set(subject, container.state);
  else states.delete(subject);
  console.table(Object.fromEntries(states));
}

function ifGone(error) {
  if (error.code === 'container.unknown') return {};
  throw error;
}
