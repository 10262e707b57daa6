// Started by server.test.ts and killed by it. From dist/, for Node 20 reads no TypeScript.
import { startServer } from '../../dist/src/bus/server/server.js';

const server = await startServer(JSON.parse(process.argv[2]));
process.send({ pid: server.pid() });
