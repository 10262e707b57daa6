import type { Crowd } from './scenarios/crowd.ts';
import type { CommandEdges } from './scenarios/edges.ts';
import type { NeighbourResults } from './scenarios/neighbours.ts';
import type { Startup } from './scenarios/startup.ts';
import type { Throughput } from './scenarios/throughput.ts';

/** All measurements of one run; null or empty: not requested. */
export interface Results {
  neighbours: NeighbourResults;
  throughput: Throughput[] | null;
  crowd: Crowd | null;
  edges: CommandEdges[];
  startup: Startup[];
}
