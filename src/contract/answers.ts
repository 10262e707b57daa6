import type { ActorEvent } from '../core/event.ts';
import type { Abandoned, Swept } from '../core/gc.ts';
import type { CommandName, ReplyOf } from './verbs.ts';

/** What actors answer to events that are no command of a client, but a part of one. */
interface PartAnswers {
  'containers.abandon': Abandoned;
  'networks.prune': ReplyOf<'network.prune'>;
  'host.sweep': Swept;
}

type Answered = CommandName | keyof PartAnswers;

/** What an actor answers to an event of this type; never: nothing. */
export type AnswerTo<Type extends ActorEvent['type']> = Type extends CommandName
  ? ReplyOf<Type>
  : Type extends keyof PartAnswers
    ? PartAnswers[Type]
    : never;

/** An answer of any actor. */
export type Answer = AnswerTo<ActorEvent['type'] & Answered>;
