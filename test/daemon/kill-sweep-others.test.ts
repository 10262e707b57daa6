import { sweepKills } from './kill-sweep.ts';

sweepKills(['mend', 'dismantle']);
