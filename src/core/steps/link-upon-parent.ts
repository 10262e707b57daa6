import type { IpvlanMode, MacvlanMode } from '../link-modes.ts';
import { inDetail, type StepFaultKind, type StepKinds, within } from './kind.ts';
import type { Step } from './step.ts';

export interface UponParentSteps {
  /** ip link add link <parent> name <name> netns <netns> address <mac> type macvlan mode <mode> [bclim <limit>] */
  'link.macvlan': {
    netns: string;
    name: string;
    parent: string;
    mode: MacvlanMode;
    broadcastLimit: number | null;
    macAddress: string;
    mtuBytes: number | null;
  };
  /** ip link add link <parent> name <name> netns <netns> type ipvlan mode <mode> */
  'link.ipvlan': { netns: string; name: string; parent: string; mode: IpvlanMode; mtuBytes: number | null };
}

type Upon = Step<'link.macvlan' | 'link.ipvlan'>;

const removed = ({ netns, name }: Upon): Step => ({ verb: 'link.delete', netns, name });
const describe = ({ name, parent, netns }: Upon): string => `${name} on ${parent}${within(netns)}`;
const macTaken = ({ parent }: Upon): string => `another interface on ${parent} has the MAC address`;

const parentFaults = (kind: 'macvlan' | 'ipvlan') =>
  ({
    ENODEV: { code: 'link.unknown', words: ({ parent }) => `this host has no interface ${parent}` },
    EOPNOTSUPP: {
      code: 'mode.unsupported',
      words: (_, detail) =>
        detail ? `${detail}, which a ${kind} network needs` : `this kernel has no ${kind} (module ${kind})`,
    },
    EEXIST: { code: 'link.exists', words: inDetail },
    ERANGE: { code: 'mtu.too-large', words: inDetail },
  }) satisfies Record<string, StepFaultKind<Upon['verb']>>;

export const uponParentSteps: StepKinds<keyof UponParentSteps> = {
  'link.macvlan': {
    inverse: removed,
    describe,
    faults: {
      ...parentFaults('macvlan'),
      EADDRINUSE: {
        code: 'mac.taken',
        words: (step) =>
          step.mode === 'passthru'
            ? `a macvlan network with mode=passthru takes one container, and another interface has ${step.parent} already`
            : macTaken(step),
      },
    },
  },
  'link.ipvlan': {
    inverse: removed,
    describe,
    faults: { ...parentFaults('ipvlan'), EADDRINUSE: { words: macTaken } },
  },
};
