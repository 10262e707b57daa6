import type { z } from 'zod';
import { containerVerbs } from './container.ts';
import { networkVerbs } from './network.ts';
import { nodeVerbs } from './node.ts';

/** Every command: `<noun>.<verb>` → what it takes and answers, which role may send it, and what it is for. */
export const verbs = { ...nodeVerbs, ...networkVerbs, ...containerVerbs };

export type Verbs = typeof verbs;
export type CommandName = keyof Verbs;

/** What a client sends with a command. */
export type RequestOf<C extends CommandName> = z.input<Verbs[C]['request']>;

/** The same after it was checked. */
export type CheckedRequest<C extends CommandName> = z.output<Verbs[C]['request']>;

/** What the daemon answers. */
export type ReplyOf<C extends CommandName> = z.output<Verbs[C]['reply']>;

const requests: { readonly [C in CommandName]: { request: z.ZodType<CheckedRequest<C>> } } = verbs;

/** What checks the request of a command. */
export const requestSchema = <C extends CommandName>(name: C): z.ZodType<CheckedRequest<C>> => requests[name].request;

export const commandNames = Object.keys(verbs) as CommandName[];

/** `container.setup` → `['container', 'setup']` */
export function nounAndVerb(name: CommandName): [noun: string, verb: string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}
