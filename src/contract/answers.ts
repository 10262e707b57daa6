import type { ActorEvent } from '../core/actor-event.ts';
import type { Abandoned, Swept } from '../core/gc.ts';
import type { CommandName, ReplyOf } from './commands.ts';

/** Answers of actors to events that are only a part of a client's command. */
interface PartAnswers {
  'containers.abandon': Abandoned;
  'networks.prune': ReplyOf<'network.prune'>;
  'host.sweep': Swept;
}

type Answered = CommandName | keyof PartAnswers;

/** The answer of an actor to an event of this type; never: it does not answer. */
export type AnswerTo<Type extends ActorEvent['type']> = Type extends CommandName
  ? ReplyOf<Type>
  : Type extends keyof PartAnswers
    ? PartAnswers[Type]
    : never;

/** An answer of any actor. */
export type Answer = AnswerTo<ActorEvent['type'] & Answered>;
