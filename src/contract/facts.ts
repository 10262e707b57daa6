import { z } from 'zod';
import type { ActorKind } from '../core/actor-address.ts';
import { containerFacts, containerStateSchema, leaseFacts, leaseStateSchema } from './container-facts.ts';
import type { FactName } from './name-tables.ts';
import { networkFacts, networkStateSchema } from './network-facts.ts';
import { nodeFacts, nodeStateSchema } from './node-facts.ts';
import type { Noun } from './subjects.ts';

/** Facts by the noun of the subject: the fourth word of a CloudEvent's type. The key is the last word of its subject. */
export const facts = {
  container: { ...containerFacts, ...leaseFacts },
  network: networkFacts,
  node: nodeFacts,
} as const satisfies Record<Noun, object>;

type Facts = typeof facts;
type NamesOf<N extends Noun> = keyof Facts[N] & FactName;
type Entry = { data: z.ZodObject };
type DataOf<E> = E extends Entry ? Known<z.output<E['data']>> : never;
/** zod types an object without fields as one whose every field is `never`, to which no field can be added. */
type Known<Data> = Data extends Record<string, never> ? Record<never, never> : Data;

/** Facts by the kind of actor that announces them: those of a DHCP client are about its container, those of the host about the node. */
type Announced = {
  container: typeof containerFacts;
  dhcp: typeof leaseFacts;
  network: typeof networkFacts;
  host: typeof nodeFacts;
};
type AnnouncedBy<Kind extends ActorKind> = keyof Announced[Kind] & FactName;

/** A fact that actors of one kind (or of any) announce, without its state, which the commit adds. */
export type Announcement<Kind extends ActorKind = ActorKind> = {
  [One in Kind]: {
    [F in AnnouncedBy<One>]: { fact: F; data: DataOf<Announced[One][F]> };
  }[AnnouncedBy<One>];
}[Kind];

/** The state that the commit of a fact led to, in the words of the views; for a fact about a lease, the state of the DHCP client. */
export type FactState = z.output<
  typeof containerStateSchema | typeof leaseStateSchema | typeof networkStateSchema | typeof nodeStateSchema
>;

/** Field of every fact. */
export interface WithState {
  state: FactState;
}

/** The data of a fact, as it is committed and published. */
export type FactData = Announcement['data'] & WithState;

type StateOf<N extends Noun, F> = F extends keyof typeof leaseFacts
  ? z.output<typeof leaseStateSchema>
  : z.output<
      { container: typeof containerStateSchema; network: typeof networkStateSchema; node: typeof nodeStateSchema }[N]
    >;

/** A fact with its noun, as a CloudEvent names both: `dev.netloom.container.configured`. */
export type WholeFact<N extends Noun = Noun> = {
  [One in N]: {
    [F in NamesOf<One>]: { type: `dev.netloom.${One}.${F}`; data: DataOf<Facts[One][F]> & { state: StateOf<One, F> } };
  }[NamesOf<One>];
}[N];

/** Data of a fact that is published without its own fields, because the server accepts no message of that size. */
export interface Omitted extends WithState {
  /** why, as text */
  omitted: string;
}

/** A fact without its own fields. */
export interface OmittedFact<N extends Noun = Noun> {
  type: WholeFact<N>['type'];
  data: Omitted;
}

/** A fact as it is published: `'omitted' in data` tells one without its own fields. */
export type PublishedFact<N extends Noun = Noun> = WholeFact<N> | OmittedFact<N>;

export const omittedSchema: z.ZodType<Omitted> = z
  .object({
    state: z.union([containerStateSchema, leaseStateSchema, networkStateSchema, nodeStateSchema]),
    omitted: z.string().describe('why the fields of the fact are missing, as text'),
  })
  .meta({ id: 'Omitted', description: "instead of data that is larger than the server's max_payload" });

const stateSchemas = { container: containerStateSchema, network: networkStateSchema, node: nodeStateSchema };

/** Returns the schema of a fact's data as it is published, unless its fields are omitted. */
export function publishedSchema(noun: Noun, fact: string, data: z.ZodObject): z.ZodObject {
  const state = Object.hasOwn(leaseFacts, fact) ? leaseStateSchema : stateSchemas[noun];
  return z.object({ state, ...data.shape });
}
