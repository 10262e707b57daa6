import { EventEmitter } from 'node:events';
import { type MethodCall, type Outcome, type Signal, SystemBus, systemBusPath } from './system-bus.ts';

/**
 * firewalld's default zone lets nothing be forwarded, and no question for names reach the host. So the subnets of networks are put
 * into its zone `trusted`, at run time only: a reload and a restart of firewalld forget them; signals report both.
 */

export interface FirewalldEvents {
  /** firewalld has appeared, was reloaded, or answers again: subnets may be missing in it */
  forgot: [];
  /** what could not be done, in words; nothing depends on it */
  refused: [detail: string];
}

const name = 'org.fedoraproject.FirewallD1';
const service = { destination: name, path: '/org/fedoraproject/FirewallD1' };
const zone = 'trusted';

/** A set-up waits for as long, once; it goes on without firewalld then. */
const patienceMs = 1_000;
/** A bus that has gone is looked for again after this. */
const lookAgainMs = 2_000;

export interface FirewalldSettings {
  environment?: NodeJS.ProcessEnv;
  lookAgainMs?: number;
}

/**
 * The one connection to firewalld. Its absence, death, silence or refusal is no error: whatever is asked for succeeds, and
 * `forgot` follows when it can be done after all.
 */
export class Firewalld extends EventEmitter<FirewalldEvents> {
  #bus: SystemBus | null = null;
  #connecting: Promise<void> | null = null;
  /** firewalld is on the bus */
  #isThere = false;
  /** it owes us an answer: no call waits for it until it says something */
  #isSilent = false;
  /** what was asked for while it was silent, and is not wanted any more */
  readonly #unwanted = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  #again: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(private readonly settings: FirewalldSettings = {}) {
    super();
  }

  /** Looks for firewalld, and listens for it from now on. */
  start(): Promise<void> {
    if (this.#bus || this.#stopped) return Promise.resolve();
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  stop(): void {
    this.#stopped = true;
    if (this.#again) clearTimeout(this.#again);
    this.#bus?.close();
    this.#bus = null;
  }

  /** Lets these subnets pass. Answers whether one of them was not trusted before. */
  trust(subnets: readonly string[]): Promise<boolean> {
    for (const subnet of subnets) this.#unwanted.delete(subnet);
    return this.#inOrder(async () => {
      const trusted = await this.#sources();
      let changed = false;
      for (const subnet of subnets)
        if (trusted && !trusted.includes(subnet)) changed = (await this.#add(subnet)) || changed;
      return changed;
    }, false);
  }

  /** No longer so; a subnet that stands in firewalld's configuration on disk was trusted by the administrator, and stays. */
  distrust(subnets: readonly string[]): Promise<void> {
    for (const subnet of subnets) this.#unwanted.add(subnet);
    return this.#inOrder(() => this.#removeUnwanted(), undefined);
  }

  /** One after the other, as firewalld works; without it, or while it is silent, at once. */
  async #inOrder<Answer>(work: () => Promise<Answer>, without: Answer): Promise<Answer> {
    await this.start();
    if (!this.#isThere) this.#unwanted.clear();
    const turn = this.#queue.then(() => (this.#isThere && !this.#isSilent ? work() : without));
    this.#queue = turn;
    return turn;
  }

  async #sources(): Promise<string[] | null> {
    const outcome = await this.#ask({ ...zoneMethod('getSources'), signature: 's', body: [zone] });
    return 'output' in outcome ? (outcome.output as string[]) : null;
  }

  async #add(subnet: string): Promise<boolean> {
    const outcome = await this.#ask({ ...zoneMethod('addSource'), signature: 'ss', body: [zone, subnet] });
    return 'output' in outcome;
  }

  async #removeUnwanted(): Promise<void> {
    const trusted = (await this.#sources()) ?? [];
    const removable = [...this.#unwanted].filter((subnet) => trusted.includes(subnet));
    const kept = removable.length > 0 ? await this.#permanentSources() : [];
    for (const subnet of removable)
      if (!kept.includes(subnet))
        await this.#ask({ ...zoneMethod('removeSource'), signature: 'ss', body: [zone, subnet] });
    if (!this.#isSilent) this.#unwanted.clear();
  }

  async #permanentSources(): Promise<string[]> {
    const config = { ...service, path: `${service.path}/config`, interface: `${name}.config` };
    const found = await this.#ask({ ...config, member: 'getZoneByName', signature: 's', body: [zone] });
    if (!('output' in found)) return [];
    const entry = { ...service, path: found.output as string, interface: `${name}.config.zone` };
    const outcome = await this.#ask({ ...entry, member: 'getSources' });
    return 'output' in outcome ? (outcome.output as string[]) : [];
  }

  async #ask(call: MethodCall): Promise<Outcome> {
    if (!this.#bus || this.#isSilent) return { silent: true };
    const outcome = await this.#bus.call(call, patienceMs, () => this.#spoke());
    if ('refused' in outcome) this.emit('refused', `${call.member} ${call.body?.at(-1) ?? ''}: ${outcome.refused}`);
    if ('silent' in outcome && this.#bus && this.#isThere) {
      this.#isSilent = true;
      this.emit('refused', `${call.member}: firewalld does not answer within ${patienceMs / 1_000} s`);
    }
    return outcome;
  }

  // ------------------------------------------------------------------------------------------------------- presence

  async #connect(): Promise<void> {
    const path = systemBusPath(this.settings.environment);
    if (path === null) return;
    try {
      const bus = await SystemBus.connect(path, {
        signal: (signal) => this.#heard(signal),
        lost: () => this.#lost(),
      });
      if (this.#stopped) return bus.close();
      this.#bus = bus;
      await bus.listen(
        `type='signal',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${name}'`,
        patienceMs,
      );
      await bus.listen(`type='signal',sender='${name}',interface='${name}',member='Reloaded'`, patienceMs);
      // unless a signal has told meanwhile
      this.#isThere ||= 'output' in (await bus.owner(name, patienceMs));
    } catch (error) {
      this.emit('refused', (error as Error).message);
      this.#lookAgain();
    }
  }

  #heard({ interface: of, member, body }: Signal): void {
    if (of === 'org.freedesktop.DBus' && member === 'NameOwnerChanged' && body?.[0] === name) {
      this.#isThere = body[2] !== '';
      this.#isSilent = false;
      if (this.#isThere) this.emit('forgot');
      else this.#unwanted.clear();
    }
    if (of === name && member === 'Reloaded') {
      this.#isSilent = false;
      this.emit('forgot');
    }
  }

  /** An answer that was waited for in vain has come. */
  #spoke(): void {
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#queue = this.#queue.then(() => this.#removeUnwanted());
    this.emit('forgot');
  }

  #lost(): void {
    this.#bus = null;
    this.#isThere = false;
    this.#isSilent = false;
    this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#stopped || this.#again) return;
    this.#again = setTimeout(async () => {
      this.#again = null;
      await this.start();
      if (this.#isThere) this.emit('forgot');
      else if (!this.#bus) this.#lookAgain();
    }, this.settings.lookAgainMs ?? lookAgainMs).unref();
  }
}

const zoneMethod = (member: string): MethodCall => ({ ...service, interface: `${name}.zone`, member });
