import { execFileSync } from 'node:child_process';
import { catalogue } from '../peers/catalogue.ts';
import type { Peer } from '../peers/peer.ts';
import { measureCrowd } from '../scenarios/crowd.ts';
import { measureEdges } from '../scenarios/edges.ts';
import { measureThroughput } from '../scenarios/throughput.ts';
import type { Answer, Question, Verb, Verbs } from './protocol.ts';

/** The program of a host process: it carries out requests. */

let peer: Peer | null = null;

const verbs: { [V in Verb]: (input: Verbs[V][0]) => Promise<Verbs[V][1]> } = {
  open: async (key) => {
    peer = catalogue[key]();
    await peer.open();
    return null;
  },
  setup: (index) => opened().setup(index),
  teardown: (index) => opened().teardown(index),
  populate: async ({ from, to, withinMs }) => {
    const deadline = performance.now() + withinMs;
    for (let index = from; index < to; index++) {
      if (performance.now() > deadline) return index;
      await opened().setup(index);
    }
    return to;
  },
  settle: async () => {
    await opened().settle?.();
    return null;
  },
  throughput: measureThroughput,
  crowd: measureCrowd,
  edges: measureEdges,
};

function opened(): Peer {
  if (!peer) throw new Error('nothing is open');
  return peer;
}

async function answer({ id, verb, input }: Question): Promise<Answer> {
  try {
    return { id, output: await (verbs[verb] as (input: unknown) => Promise<unknown>)(input) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

/** The mount namespace is private: so is `/run`, with every lock, socket and temporary file in it. */
function furnish(): void {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  process.env.TMPDIR = '/run';
}

furnish();
process.on('message', async (question: Question) => process.send?.(await answer(question)));
process.on('disconnect', () => process.exit());
