import { assertEvent } from 'xstate';
import { type Fault, fault } from '../../src/core/fault.ts';
import type { ContainerContext } from './context.ts';
import { type Given, nameOf, remember } from './decisions.ts';

/** A container that was found in the kernel when its journal was lost. It claims what it has, and is verified as after a restart. */

export const findingActions = {
  keepFound: remember(({ event }) => {
    assertEvent(event, 'container.found');
    const { wish, inode, created } = event;
    return { wish, created, askedAt: created, found: { inode } };
  }),
  /** The verification compares the kernel with the wish, restores what is missing, and removes nothing. */
  adoptFound: remember(({ context }) => ({
    inode: context.found?.inode ?? null,
    found: undefined,
    suspected: 'recovery',
  })),
  /** Its claims stay, until the next command removes what is left of it. */
  keepRemains: remember(({ context, event }) => ({
    lastFault: { ...faultOf(context, 'fault' in event ? event.fault : null), leftBehind: [remains] },
    inode: context.found?.inode ?? null,
    found: undefined,
    awaiting: [],
  })),
};

const remains = { step: 'everything that carries its name', errno: null, detail: null };

const faultOf = (context: ContainerContext, refusal: Fault | null): Fault =>
  refusal ??
  fault('netns.gone', `the namespace of container ${nameOf(context)} was not found; only parts of it are left`);

export const findingGuards = {
  isRefusalOfFound: ({ context, event }: Given) =>
    context.found !== undefined && 'attempt' in event && event.attempt === context.attempt,
  isFoundAndGranted: ({ context }: Given) => isGranted(context) && context.found?.inode !== null,
  isGrantedWithoutNamespace: ({ context }: Given) => isGranted(context) && context.found?.inode === null,
};

const isGranted = ({ found, awaiting }: ContainerContext): boolean => found !== undefined && awaiting.length === 0;
