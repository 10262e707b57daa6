import { sweepKills } from './kill-sweep.ts';

sweepKills(['build']);
