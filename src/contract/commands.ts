import type { z } from 'zod';
import { containerVerbs } from './container-commands.ts';
import { networkVerbs } from './network-commands.ts';
import { nodeVerbs } from './node-commands.ts';

/** All commands: `<noun>.<verb>` → request, reply, role that may send it, and purpose. */
export const verbs = { ...nodeVerbs, ...networkVerbs, ...containerVerbs };

export type Verbs = typeof verbs;
export type CommandName = keyof Verbs;

/** A command's request as a client sends it. */
export type RequestOf<C extends CommandName> = z.input<Verbs[C]['request']>;

/** A command's request after it was checked. */
export type CheckedRequest<C extends CommandName> = z.output<Verbs[C]['request']>;

/** The daemon's reply to a command. */
export type ReplyOf<C extends CommandName> = z.output<Verbs[C]['reply']>;

const requests: { readonly [C in CommandName]: { request: z.ZodType<CheckedRequest<C>> } } = verbs;

/** Returns the schema that checks a command's request. */
export const requestSchema = <C extends CommandName>(name: C): z.ZodType<CheckedRequest<C>> => requests[name].request;

export const commandNames = Object.keys(verbs) as CommandName[];
