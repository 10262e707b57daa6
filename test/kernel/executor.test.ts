import { describe, expect, it } from 'vitest';
import { setupPlan, teardownPlan, unlinkPlan } from '../../src/core/plan/container/plan.ts';
import { holdPlan } from '../../src/core/plan/host.ts';
import { lowerPlan, mendPlan, raisePlan } from '../../src/core/plan/network.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { describeStep, inverse, type Step } from '../../src/core/steps/step.ts';
import { execute, stepFault } from '../../src/kernel/executor.ts';
import type { Kernel, Performed } from '../../src/kernel/kernel.ts';
import { definitionOf, leaseOf, v6, wishOf } from '../core/samples.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

const definition = definitionOf({ subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd00::/64' }] });
const wish = wishOf({
  networks: [{ network: 'demo' }],
  ports: [
    { hostPort: 8080, containerPort: 80 },
    { hostPort: 9000, containerPort: 9000, range: 10 },
  ],
});
const grant = {
  wish,
  netns: '/netns/netloom-web',
  leases: { demo: leaseOf({ addresses: [...leaseOf().addresses, v6] }) },
  ports: wish.ports,
};

const network = { definition, searchDomain: 'dns.netloom' };
const raise = raisePlan(network);
const setup = setupPlan(grant);
const teardown = teardownPlan(grant);
const unlink = unlinkPlan(grant);
const hold = holdPlan('web', 1, wish.ports);

/** Each plan with its prerequisites. */
const builds: [name: string, plan: Plan, before: Step[]][] = [
  ['raise', raise, [{ verb: 'nft.load' }]],
  ['setup', setup, [{ verb: 'nft.load' }, ...raise.steps]],
  ['hold', hold, []],
];

async function kernelWith(...steps: Step[]): Promise<FakeKernel> {
  const kernel = new FakeKernel();
  kernel.linux.unregisterMs = 0;
  expect((await kernel.perform(steps)).failure).toBeNull();
  return kernel;
}

/** Everything that plans make and undo. */
const contents = ({ linux }: FakeKernel) => ({
  links: [...linux.host.links.values()].map(({ name, addresses }) => [name, ...addresses]),
  pins: [...linux.pins.keys()],
  elements: [...(linux.elements?.keys() ?? [])],
  ports: [...linux.ports].map(({ protocol, address, port }) => `${protocol} ${address} ${port}`),
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 2));

describe.each(builds)('a build (%s)', (_name, plan, before) => {
  it('a build returns the results of all its steps', async () => {
    const kernel = await kernelWith(...before);
    const result = await execute(kernel, plan);
    expect(result).toMatchObject({ ok: true });
    expect(result.outputs).toHaveLength(plan.steps.length);
  });

  it('B07 a build is undone in reverse when any step fails, and reports the first error', async () => {
    for (const [index, step] of plan.steps.entries()) {
      const kernel = await kernelWith(...before);
      const found = contents(kernel);
      const from = kernel.performed.length;
      kernel.failAt(index + 1, 'EIO');
      const result = await execute(kernel, plan);
      const undone = plan.steps.slice(0, index).reverse().filter(inverse);
      expect(result).toMatchObject({
        ok: false,
        outputs: [],
        fault: {
          code: 'kernel.refused',
          step: describeStep(step),
          errno: 'EIO',
          detail: 'as the test arranged',
          message: `${describeStep(step)}: ${step.verb}: EIO (as the test arranged)`,
          undone: undone.map(describeStep),
          leftBehind: [],
        },
      });
      expect(kernel.performed.slice(from)).toEqual([...plan.steps.slice(0, index + 1), ...undone.map(inverse)]);
      await settled();
      expect(contents(kernel)).toEqual(found);
    }
  });

  it('B07 a build tries every step of an undo that fails, and reports what it left behind', async () => {
    const kernel = await kernelWith(...before);
    const last = plan.steps.length;
    const from = kernel.performed.length;
    kernel.failWhen((_, count) => count >= from + last, 'EBUSY');
    const result = await execute(kernel, plan);
    const undoable = plan.steps
      .slice(0, last - 1)
      .reverse()
      .filter(inverse);
    expect(result).toMatchObject({
      fault: {
        step: describeStep(plan.steps[last - 1] as Step),
        undone: [],
        leftBehind: undoable.map((step) => ({
          step: describeStep(step),
          errno: 'EBUSY',
          detail: 'as the test arranged',
        })),
      },
    });
  });

  it('a build succeeds when it is carried out again', async () => {
    const kernel = await kernelWith(...before);
    await execute(kernel, plan);
    const found = contents(kernel);
    expect(await execute(kernel, plan)).toMatchObject({ ok: true });
    expect(contents(kernel)).toEqual(found);
  });
});

describe('a rollback', () => {
  it('B07 a rollback reports undo failures beside the first error, never instead of it', async () => {
    const kernel = await kernelWith({ verb: 'nft.load' }, ...raise.steps);
    kernel.failWhen(({ verb }) => verb === 'route.add' || verb === 'link.delete', 'EPERM');
    const result = await execute(kernel, setup);
    expect(result).toMatchObject({
      fault: {
        errno: 'EPERM',
        step: 'route.add 0.0.0.0/0 via 10.89.0.1 in /netns/netloom-web',
        undone: [
          'address.add fd00::2/64 dev eth0 in /netns/netloom-web',
          'address.add 10.89.0.2/24 dev eth0 in /netns/netloom-web',
          expect.stringMatching(/^nft\.add published_any4 /),
          'netns.create /netns/netloom-web',
        ],
        leftBehind: [{ step: expect.stringMatching(/^link.veth nl/), errno: 'EPERM' }],
      },
    });
  });

  it('B07 a rollback also undoes steps that were done behind the failed one in the same message', async () => {
    // the failing step is one without an inverse
    const [first, third, second] = setup.steps as [Step, Step, Step];
    const undone: Step[] = [];
    const kernel = {
      perform: async (steps: readonly Step[]): Promise<Performed> => {
        if (steps.length > 1)
          return {
            outputs: [{}, {}],
            done: [0, 2],
            changed: [],
            failure: { index: 1, op: 'set link', errno: 'EIO', detail: null },
          };
        undone.push(...steps);
        return { outputs: [{}], done: [0], changed: [], failure: null };
      },
    } as unknown as Kernel;
    const result = await execute(kernel, { purpose: { kind: 'setup' }, kind: 'build', steps: [first, second, third] });
    expect(undone).toEqual([inverse(third), inverse(first)]);
    expect(result).toMatchObject({
      fault: { step: describeStep(second), message: expect.stringMatching(/: set link: EIO$/) },
    });
  });
});

describe('a repair', () => {
  const mend = mendPlan(network, 'mend');

  it('a repair restores what is missing and leaves the rest alone', async () => {
    const kernel = await kernelWith({ verb: 'nft.load' }, ...raise.steps);
    const found = contents(kernel);
    kernel.linux.elements?.clear();
    kernel.linux.host.links.get('netloom0')?.addresses.splice(0);
    expect(await execute(kernel, mend)).toMatchObject({ ok: true });
    expect(contents(kernel)).toEqual(found);
  });

  it('a repair tries everything when a step fails, and removes nothing', async () => {
    for (const [index, step] of mend.steps.entries()) {
      const kernel = await kernelWith({ verb: 'nft.load' }, ...raise.steps);
      const found = contents(kernel);
      const from = kernel.performed.length;
      kernel.failAt(index + 1, 'EPERM');
      const result = await execute(kernel, mend);
      expect(result).toMatchObject({ ok: false, fault: { step: describeStep(step), errno: 'EPERM' } });
      expect(result.ok || Object.keys(result.fault)).not.toContain('leftBehind');
      expect(kernel.performed.slice(from)).toEqual(mend.steps);
      expect(contents(kernel)).toEqual(found);
    }
  });
});

describe('a teardown plan', () => {
  it('B08 a teardown plan removes everything, and finds nothing to do when repeated', async () => {
    const kernel = await kernelWith({ verb: 'nft.load' }, ...raise.steps);
    const found = contents(kernel);
    await execute(kernel, setup);
    for (let round = 0; round < 2; round++) {
      expect(await execute(kernel, teardown)).toMatchObject({ ok: true });
      expect(await execute(kernel, unlink)).toMatchObject({ ok: true });
      await settled();
      expect(contents(kernel)).toEqual(found);
    }
    expect(await execute(kernel, lowerPlan(network))).toMatchObject({ ok: true });
    expect(await execute(kernel, lowerPlan(network))).toMatchObject({ ok: true });
    expect(contents(kernel)).toEqual({ links: [['lo']], pins: [], elements: [], ports: [] });
  });

  it('B08 a teardown plan tries every step despite failures, and reports the first error with everything left behind', async () => {
    for (const [index, step] of teardown.steps.entries()) {
      const kernel = await kernelWith({ verb: 'nft.load' }, ...raise.steps, ...setup.steps);
      const from = kernel.performed.length;
      kernel.failAt(index + 1, 'EIO');
      const left = [{ step: describeStep(step), errno: 'EIO', detail: 'as the test arranged' }];
      expect(await execute(kernel, teardown)).toMatchObject({
        ok: false,
        fault: { step: describeStep(step), errno: 'EIO', leftBehind: left },
      });
      expect(kernel.performed.slice(from)).toEqual(teardown.steps);
    }
  });

  it('B08 a teardown plan lists every step when all of them fail', async () => {
    const kernel = await kernelWith();
    kernel.failWhen(() => true, 'EIO');
    const result = await execute(kernel, teardown);
    expect(result).toMatchObject({ ok: false, fault: { step: 'process.unwatch', errno: 'EIO' } });
    expect(result.ok || result.fault.leftBehind?.map(({ step }) => step)).toEqual(teardown.steps.map(describeStep));
  });
});

describe('failures that a caller can act on have codes of their own:', () => {
  const netns = '/netns/gone';
  const passthru: Step = {
    verb: 'link.macvlan',
    netns,
    name: 'eth0',
    parent: 'lan0',
    mode: 'passthru',
    broadcastLimit: null,
    macAddress: '02:00:00:00:00:01',
    mtuBytes: null,
  };
  const cases: [code: string, errno: string, step: Step][] = [
    ['port.taken', 'EADDRINUSE', hold.steps[0] as Step],
    ['port.unavailable', 'EADDRNOTAVAIL', hold.steps[0] as Step],
    ['port.unavailable', 'EACCES', hold.steps[0] as Step],
    ['port.unavailable', 'EPROTONOSUPPORT', hold.steps[0] as Step],
    ['link.exists', 'EEXIST', raise.steps[0] as Step],
    ['bridge.full', 'EXFULL', { verb: 'link.set', netns: null, name: 'nl0', master: 'netloom0' }],
    ['netns.gone', 'ENOENT', { verb: 'netns.require', path: netns, inode: null }],
    ['netns.gone', 'EINVAL', { verb: 'netns.require', path: netns, inode: null }],
    ['process.gone', 'ESRCH', { verb: 'netns.adopt', path: netns, pid: 42 }],
    ['process.gone', 'ESRCH', { verb: 'process.watch', owner: 'container/web', pid: 42, startTicks: null }],
    ['kernel.refused', 'EPERM', { verb: 'netns.create', path: netns }],
  ];

  it.each<[errno: string, step: Step, message: string]>([
    [
      'EEXIST',
      { verb: 'link.vacant', name: 'up0', peer: { netns, name: 'eth0' } },
      'this host already has an interface up0',
    ],
    ['ENODEV', { verb: 'link.find', name: 'nosuch' }, 'this host has no interface nosuch'],
    [
      'EXFULL',
      { verb: 'link.set', netns: null, name: 'nl0', master: 'br0' },
      'the bridge br0 has 1,023 ports, which is all that a bridge can have',
    ],
    ['ENOENT', { verb: 'netns.require', path: netns, inode: null }, 'the network namespace /netns/gone is gone'],
    ['ESRCH', { verb: 'netns.adopt', path: netns, pid: 42 }, 'process 42 has ended'],
    [
      'EADDRINUSE',
      passthru,
      'a macvlan network with mode=passthru takes one container, and another interface has lan0 already',
    ],
    ['ENODEV', passthru, 'this host has no interface lan0'],
  ])(
    'failures are explained in a sentence, with the step and the errno beside it: %s',
    async (errno, step, message) => {
      const kernel = await kernelWith();
      kernel.failWhen(() => true, errno);
      expect(await execute(kernel, { purpose: { kind: 'setup' }, kind: 'build', steps: [step] })).toMatchObject({
        fault: { message, errno, step: describeStep(step) },
      });
    },
  );

  it.each(['ENOENT', 'EINVAL'])('failures to enter the namespace of a step report it as gone: %s', (errno) => {
    const own: Step = { verb: 'link.set', netns, name: 'eth0', up: true };
    const peer: Step = {
      verb: 'link.veth',
      name: 'nl0',
      mtuBytes: null,
      peer: { netns, name: 'eth0', macAddress: '' },
    };
    for (const step of [own, peer]) {
      const failure = { index: 0, op: 'open route socket', errno };
      expect(stepFault(step, { ...failure, detail: netns })).toMatchObject({
        code: 'netns.gone',
        message: 'the network namespace /netns/gone is gone',
        errno,
      });
      for (const detail of [null, 'another reason'])
        expect(stepFault(step, { ...failure, detail })).toMatchObject({ code: 'kernel.refused' });
    }
  });

  it('P12 failures report a path that leads to something else as not a namespace, and not as gone', () => {
    const step: Step = { verb: 'netns.require', path: '/etc/passwd', inode: null };
    const detail = '/etc/passwd is not a network namespace';
    const failure = { index: 0, op: 'find netns', errno: 'EINVAL' };
    expect(stepFault(step, { ...failure, detail }).message).toBe(detail);
    expect(stepFault(step, { ...failure, detail: null }).message).toBe('the network namespace /etc/passwd is gone');
  });

  const hold4: Step = {
    verb: 'port.hold',
    owner: 'container/web',
    protocol: 'tcp',
    addresses: ['192.0.2.4'],
    port: 8086,
    range: 1,
  };
  it.each([
    ['EADDRINUSE', hold4, 'host port 8086/tcp is in use'],
    ['EADDRINUSE', { ...hold4, range: 3 }, 'host port 8086-8088/tcp is in use'],
    ['EADDRNOTAVAIL', hold4, 'host port 8086/tcp: this host has no address 192.0.2.4'],
    ['EPROTONOSUPPORT', { ...hold4, protocol: 'sctp' as const }, 'host port 8086/sctp: this kernel has no SCTP'],
    ['EACCES', hold4, 'host port 8086/tcp: the kernel does not let the daemon bind it'],
  ] as const)(
    'A09 the failure %s of a port is explained in a sentence, apart from the step',
    async (errno, step, message) => {
      const kernel = await kernelWith();
      kernel.failWhen(() => true, errno);
      const result = await execute(kernel, { purpose: { kind: 'setup' }, kind: 'build', steps: [step] });
      expect(result).toMatchObject({ fault: { message: expect.stringContaining(message), step: describeStep(step) } });
    },
  );

  it.each(cases)('%s: %s', async (code, errno, step) => {
    const kernel = await kernelWith();
    kernel.failWhen(() => true, errno);
    expect(await execute(kernel, { purpose: { kind: 'setup' }, kind: 'build', steps: [step] })).toMatchObject({
      fault: { code, errno },
    });
  });
});
