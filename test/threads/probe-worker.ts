import { workerData } from 'node:worker_threads';
import { fault, NetloomError } from '../../src/core/fault.ts';
import { serveThread } from '../../src/threads/inside.ts';
import type { FromProbe, ProbeSettings, ProbeVerbs, ToProbe } from './probe.ts';

/** A thread that does what its tests ask for. */

const { failing } = workerData as ProbeSettings;
if (failing) throw new Error('no room for it');

const starter = serveThread<ProbeVerbs, ToProbe, FromProbe>(
  {
    add: ({ one, other }) => one + other,
    refuse: () => {
      throw new NetloomError(fault('port.taken', 'host port 80/tcp is in use', { errno: 'EADDRINUSE' }));
    },
    stumble: () => {
      throw new TypeError('x is not a function');
    },
    wait: () => new Promise<number>(() => {}),
    exit: (exitCode) => process.exit(exitCode),
  },
  ({ word }) => starter.say({ kind: 'echo', word }),
);
starter.ready();
