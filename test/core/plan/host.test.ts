import { describe, expect, it } from 'vitest';
import { basePlan, holdPlan, letGoPlan, surveyPlan } from '../../../src/core/plan/host.ts';
import type { Plan } from '../../../src/core/plan/plan.ts';
import { describePurpose } from '../../../src/core/plan/purpose.ts';
import type { PublishedPort } from '../../../src/core/port.ts';
import { describeStep, inverse } from '../../../src/core/steps/step.ts';
import { wishOf } from '../samples.ts';

const { ports } = wishOf({
  networks: [{ network: 'demo' }],
  ports: [
    { containerPort: 80 },
    { hostPort: 53, containerPort: 53, protocol: 'udp' },
    { hostIp: 'fd00::9', hostPort: 8000, containerPort: 8000, range: 10 },
  ],
});
const lines = ({ purpose, kind, steps }: Plan) => [`${describePurpose(purpose)}, ${kind}:`, ...steps.map(describeStep)];

describe('the plans of the host', () => {
  it('the plans of the host hold every published port on its addresses, ranges as ranges', () => {
    expect(lines(holdPlan('web', 3, ports))).toEqual([
      'hold web 3, build:',
      'port.hold 0.0.0.0, :: port 0/tcp',
      'port.hold 0.0.0.0, :: port 53/udp',
      'port.hold fd00::9 port 8000-8009/tcp',
    ]);
  });

  it('the plans of the host release the ports of one owner', () => {
    const hold = holdPlan('web', 3, ports);
    const letGo = letGoPlan('web');
    expect(lines(letGo)).toEqual(['release web, dismantle:', 'port.release']);
    for (const [index, step] of hold.steps.entries())
      expect(inverse(step)).toEqual(letGoPlan('web', [ports[index] as PublishedPort]).steps[0]);
  });

  it('the plans of the host load the ruleset and inspect the host, with nothing to undo', () => {
    for (const step of [...basePlan().steps, ...surveyPlan().steps]) expect(inverse(step)).toBeNull();
  });
});
