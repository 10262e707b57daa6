import type { ActorAddress } from '../actor-address.ts';
import type { Protocol } from '../port.ts';
import type { StepKinds } from './kind.ts';

export interface HeldPorts {
  protocol: Protocol;
  addresses: string[];
  port: number;
  range: number;
}

export interface PortSteps {
  /** binds host ports; port 0: the kernel picks. Output: the first port held */
  'port.hold': { owner: ActorAddress } & HeldPorts;
  /** releases ports that the owner holds; without ports: all */
  'port.release': { owner: ActorAddress; ports?: HeldPorts[] | null };
}

const lastOf = ({ port, range }: HeldPorts): string => (range > 1 ? `-${port + range - 1}` : '');

const asked = (held: HeldPorts): string =>
  held.port === 0 ? `a free ${held.protocol} port` : `host port ${held.port}${lastOf(held)}/${held.protocol}`;

const unavailable = (why: (step: HeldPorts) => string) =>
  ({ code: 'port.unavailable', words: (step: HeldPorts) => `${asked(step)}: ${why(step)}` }) as const;

export const portSteps: StepKinds<keyof PortSteps> = {
  'port.hold': {
    inverse: ({ verb: _, owner, ...held }) => ({ verb: 'port.release', owner, ports: [held] }),
    protocol: ({ protocol }) => protocol,
    describe: (step) => `${step.addresses.join(', ')} port ${step.port}${lastOf(step)}/${step.protocol}`,
    faults: {
      EADDRINUSE: {
        code: 'port.taken',
        words: (step, detail) =>
          step.port === 0
            ? `no ${step.protocol} port is free`
            : `${asked(step)} is in use${detail ? `: ${detail}` : ''}`,
      },
      ERANGE: {
        code: 'port.unavailable',
        words: ({ range, protocol }) =>
          `${range} free ${protocol} ports in a row were not found: publish fewer, or name the first host port`,
      },
      EADDRNOTAVAIL: unavailable(({ addresses }) => `this host has no address ${addresses.join(' or ')}`),
      EPROTONOSUPPORT: unavailable(({ protocol }) => `this kernel has no ${protocol.toUpperCase()}`),
      EACCES: unavailable(() => 'the kernel does not let the daemon bind it'),
    },
  },
  'port.release': { inverse: null, describe: () => '' },
};
