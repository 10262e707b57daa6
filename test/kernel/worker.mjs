// One of several threads that use the addon at once; see workers.test.ts.
import { parentPort, workerData } from 'node:worker_threads';
import * as native from '../../native/index.js';

const { directory, id, rounds, end } = workerData;
const identity = native.currentNetnsIdentity();
const notices = native.watchRoutes({ links: true, addresses: true, routes: true, allNamespaces: true }, () => {});
const rules = native.watchNft(() => {});
const held = native.holdPort('tcp', '127.0.0.1', 0);
const host = native.openRouteSocket(null);
const made = [];
for (let round = 0; round < rounds; round++) {
  const path = `${directory}/${id}-${round}`;
  const { socket } = native.createNetns(path);
  made.push(path);
  const veth = { verb: 'addVeth', name: `w${id}-${round}`, mtuBytes: null, peerName: 'eth0', peerNetnsPath: path };
  const up = { verb: 'setLink', name: 'eth0', up: true };
  const address = { verb: 'addAddress', link: 'eth0', address: '10.1.0.2/24', noDad: true };
  const faults = [...native.route(host, [veth]), ...native.route(socket, [up, address])];
  if (faults.some((fault) => fault !== null)) throw new Error(JSON.stringify(faults));
  if (native.listAddresses(socket).length < 1) throw new Error('no address');
  if (round % 2 === 0) native.removeNetns(path);
}
const moved = native.currentNetnsIdentity().inode !== identity.inode;
parentPort.postMessage({ made, moved, port: held.port });
if (end === 'return') for (const watch of [notices, rules]) watch.unref();
if (end === 'exit') process.exit(0);
