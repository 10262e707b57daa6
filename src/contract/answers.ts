import type { ActorEvent } from '../core/actor-event.ts';
import type { CommandName, ReplyOf } from './commands.ts';

/** Answers of actors to events that have another name than their command. */
interface OtherAnswers {
  'networks.prune': ReplyOf<'network.prune'>;
}

type Answered = CommandName | keyof OtherAnswers;

/** The answer of an actor to an event of this type; never: it does not answer. */
export type AnswerTo<Type extends ActorEvent['type']> = Type extends CommandName
  ? ReplyOf<Type>
  : Type extends keyof OtherAnswers
    ? OtherAnswers[Type]
    : never;

/** An answer of any actor. */
export type Answer = AnswerTo<ActorEvent['type'] & Answered>;
