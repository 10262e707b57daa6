import type { PeerKey } from '../peers/catalogue.ts';
import type { Crowd, CrowdPlan } from '../scenarios/crowd.ts';
import type { CommandEdges, EdgesPlan } from '../scenarios/edges.ts';
import type { Throughput, ThroughputPlan } from '../scenarios/throughput.ts';

/** The requests to a host process: verb → [input, output]. */
export interface Verbs {
  /** the process becomes the host of this peer */
  open: [PeerKey, null];
  /** milliseconds */
  setup: [number, number];
  teardown: [number, number];
  /** containers with these indices, the second excluded; they stay. Returns how many there are when the time is over. */
  populate: [{ from: number; to: number; withinMs: number }, number];
  settle: [null, null];
  throughput: [ThroughputPlan, Throughput[]];
  crowd: [CrowdPlan, Crowd];
  edges: [EdgesPlan, CommandEdges[]];
}

export type Verb = keyof Verbs;

export interface Question {
  id: number;
  verb: Verb;
  input: unknown;
}

export type Answer = { id: number; output: unknown } | { id: number; error: string };
