import { isDeepStrictEqual } from 'node:util';
import { isUsed } from '../../machines/network/leases.ts';
import { hearsOfLoss, isFiled, networkState } from '../../machines/network/view.ts';
import type { Journal } from '../actors/journal.ts';
import { type ActorAddress, actorName, hostAddress, networkAddress } from '../core/actor-address.ts';
import {
  type DamagedDefinition,
  type Definitions,
  firstClash,
  networkOfFile,
  withoutClashes,
} from '../core/network/check.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import { isBroughtNetwork } from '../core/network/identity.ts';
import type { DefinitionStore } from '../networks/definition-store.ts';
import type { Post } from './post.ts';

/** Reader of the directory of definitions, for the actors of networks. */
export class DefinitionReader {
  /** files that cannot be read, or clash with another network */
  damaged: readonly DamagedDefinition[] = [];
  /** those that were accepted when files were last read */
  definitions: readonly NetworkDefinition[] = [];
  /** networks that were known without a file when files were last left out */
  #standing: ActorAddress[] = [];

  constructor(
    private readonly journal: Journal,
    private readonly post: Post,
    private readonly files: Pick<DefinitionStore, 'has'>,
    private readonly isDraining: () => boolean,
  ) {}

  /**
   * Defines the networks in the directory, written by any program, and removes the others. Does not wait: the actors of the
   * networks process it in the order of their messages. A read may be outdated by now: before an actor learns that a file
   * exists, or is gone, that is checked once more. Returns what was accepted, and what was not.
   */
  take(found: Definitions): Definitions {
    const standing = this.#unfiled(found);
    const { definitions, damaged } = withoutClashes(found, (name) => this.#isFiled(name), standing);
    this.#standing = damaged.length > found.damaged.length ? standing.map(({ name }) => networkAddress(name)) : [];
    this.definitions = definitions;
    this.#noteDamaged(damaged);
    for (const definition of definitions) if (!this.#isKnown(definition)) this.#noteFile(definition);
    const there = new Set([
      ...definitions.map(({ name }) => name),
      // a damaged file exists: its former network stays
      ...damaged.map(({ file }) => networkOfFile(file)),
    ]);
    for (const { address } of this.journal.actorsOf('network'))
      if (!there.has(actorName(address))) this.#noteLoss(address);
    return { definitions, damaged };
  }

  /**
   * Notifies the networks in the way of definitions that a command brings, if their files are gone: an engine may have removed such a
   * network just before, and the notice of its file may be late. A network that is up as it is brought has its place.
   */
  noteLossesFor(brought: readonly NetworkDefinition[]): void {
    const placeless = brought.filter((definition) => !this.#isUp(definition));
    if (placeless.length === 0) return;
    for (const { address, record } of this.journal.actorsOf('network')) {
      const { definition } = record.context;
      if (definition && firstClash(definition, placeless)) this.#noteLoss(address);
    }
  }

  /** Checks whether a network without a file is gone that kept out another one's file: the directory must be read again. */
  isPlaceFree(): boolean {
    return this.#standing.some((address) => !this.journal.exists(address));
  }

  /** Lists known networks without a readable file: one that is being restored, of a network in use, or a damaged one. */
  #unfiled({ definitions, damaged }: Definitions): NetworkDefinition[] {
    const filed = new Set(definitions.map(({ name }) => name));
    const isDamaged = new Set(damaged.map(({ file }) => networkOfFile(file)));
    return this.journal.actorsOf('network').flatMap(({ address, record }) => {
      const { context } = record;
      const { definition } = context;
      if (!definition || filed.has(actorName(address)) || networkState(record.value) === 'lowering') return [];
      return isUsed(context) || isDamaged.has(definition.name) ? [definition] : [];
    });
  }

  #isUp(brought: NetworkDefinition): boolean {
    const context = this.journal.actor(networkAddress(brought.name))?.context;
    return Boolean(context?.device && context.definition && isBroughtNetwork(context.definition, brought));
  }

  #isFiled(name: string): boolean {
    const known = this.journal.actor(networkAddress(name));
    return known !== null && isFiled(known.value);
  }

  #isKnown(definition: NetworkDefinition): boolean {
    const known = this.journal.actor(networkAddress(definition.name));
    if (!known || !isFiled(known.value)) return false;
    return isDeepStrictEqual(known.context.definition, definition);
  }

  /** Reports damaged files to the host, which announces new ones. */
  #noteDamaged(damaged: DamagedDefinition[]): void {
    this.damaged = damaged;
    const host = this.journal.actor(hostAddress)?.context;
    if (!isDeepStrictEqual(host?.damaged ?? [], damaged))
      this.post.tell(hostAddress, { type: 'definitions.read', damaged });
  }

  /** Notifies a network of its file. */
  #noteFile(definition: NetworkDefinition): void {
    const { name } = definition;
    this.post.tell(networkAddress(name), { type: 'definition.found', definition }, () => this.files.has(name));
  }

  /** Notifies a network of the loss of its file; it waits itself for members that are leaving. */
  #noteLoss(address: ActorAddress<'network'>): void {
    // the next daemon reads the directory itself
    if (this.isDraining()) return;
    const record = this.journal.actor(address);
    if (!record || !hearsOfLoss(record.value)) return;
    this.post.tell(address, { type: 'definition.lost' }, () => !this.files.has(actorName(address)));
  }
}
