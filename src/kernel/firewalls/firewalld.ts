import { EventEmitter } from 'node:events';
import { type MethodCall, type Outcome, type Signal, SystemBus, silence, systemBusPath } from './system-bus.ts';

/**
 * firewalld's default zone forwards nothing, and blocks name queries to the host. So netloom puts the subnets of networks into its
 * zone `trusted`, at run time only: firewalld forgets them at a reload and a restart, and signals both.
 */

export interface FirewalldEvents {
  /** firewalld has started, was reloaded, or answers again: it may lack subnets */
  forgot: [];
  /** a description of what could not be done; nothing depends on it */
  refused: [detail: string];
}

const name = 'org.fedoraproject.FirewallD1';
const service = { destination: name, path: '/org/fedoraproject/FirewallD1' };
const zone = 'trusted';

/**
 * How long a set-up waits for a silent bus and a silent firewalld, both together. Then it goes on without them, and no other set-up
 * waits until they have answered something.
 */
const patienceMs = 1_000;
/** Delay before looking again for a missing bus; for a bus that does not serve netloom it doubles each time. */
const lookAgainMs = 2_000;
const mostDoublings = 4;

export interface FirewalldSettings {
  environment?: NodeJS.ProcessEnv;
  lookAgainMs?: number;
}

type Presence =
  /** the first check is under way: calls wait for it */
  | 'unknown'
  /** there is no bus, or it does not serve netloom, which looks again; no call waits meanwhile */
  | 'unreachable'
  /** firewalld is not on the bus, which signals its start */
  | 'absent'
  | 'there'
  /** firewalld has not answered yet: no call waits for it until it does */
  | 'silent';

/**
 * The one connection to firewalld. Absence, death, silence or refusal of firewalld or of the bus is not an error: every
 * request succeeds, and `forgot` follows when it can be carried out after all.
 */
export class Firewalld extends EventEmitter<FirewalldEvents> {
  #presence: Presence = 'unknown';
  #bus: SystemBus | null = null;
  #looking: Promise<void> | null = null;
  /** subnets that could not be taken out of the zone yet */
  readonly #unwanted = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  /** when the patience of the current turn ends */
  #untilMs = 0;
  #again: NodeJS.Timeout | null = null;
  /** consecutive failed attempts to reach the bus, and the failures already reported */
  #failures = 0;
  readonly #reported = new Set<string>();
  #stopped = false;

  constructor(private readonly settings: FirewalldSettings = {}) {
    super();
  }

  /** Looks for firewalld, and watches for its start from now on. */
  start(): Promise<void> {
    if (this.#bus || this.#again || this.#stopped) return this.#looking ?? Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  stop(): void {
    this.#stopped = true;
    if (this.#again) clearTimeout(this.#again);
    this.#bus?.close();
    this.#bus = null;
  }

  /** Trusts these subnets. Returns whether one of them was not trusted before. */
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

  /** Stops trusting these subnets; a subnet in firewalld's configuration on disk was trusted by the administrator, and stays. */
  distrust(subnets: readonly string[]): Promise<void> {
    if (this.#presence !== 'absent') for (const subnet of subnets) this.#unwanted.add(subnet);
    return this.#inOrder(() => this.#removeUnwanted(), undefined);
  }

  async #inOrder<Answer>(work: () => Promise<Answer>, without: Answer): Promise<Answer> {
    const askedMs = performance.now();
    if (this.#presence === 'unknown') await this.start();
    return this.#turn(work, without, patienceMs - (performance.now() - askedMs));
  }

  /** Runs work one after the other, as firewalld does; without firewalld, or while it is silent, returns `without` at once. */
  #turn<Answer>(work: () => Promise<Answer>, without: Answer, patience = patienceMs): Promise<Answer> {
    const turn = this.#queue.then(() => {
      this.#untilMs = performance.now() + patience;
      return this.#presence === 'there' ? work() : without;
    });
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
    // subnets added from now on get another turn
    const subnets = [...this.#unwanted];
    if (subnets.length === 0) return;
    this.#unwanted.clear();
    const trusted = (await this.#sources()) ?? [];
    const removable = subnets.filter((subnet) => trusted.includes(subnet));
    const kept = removable.length > 0 ? await this.#permanentSources() : [];
    for (const subnet of removable)
      if (!kept.includes(subnet))
        await this.#ask({ ...zoneMethod('removeSource'), signature: 'ss', body: [zone, subnet] });
    if (this.#presence === 'silent' || this.#presence === 'unreachable')
      for (const subnet of subnets) this.#unwanted.add(subnet);
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
    if (!this.#bus || this.#presence !== 'there') return { silent: true };
    const outcome = await this.#bus.call(call, this.#untilMs - performance.now(), () => this.#spoke());
    if ('refused' in outcome) this.emit('refused', `${call.member} ${call.body?.at(-1) ?? ''}: ${outcome.refused}`);
    if ('silent' in outcome && this.#bus?.isOpen && this.#presence === 'there') {
      this.#presence = 'silent';
      this.emit('refused', `${call.member}: firewalld does not answer within ${patienceMs / 1_000} s`);
    }
    return outcome;
  }

  // ------------------------------------------------------------------------------------------------------- presence

  async #look(): Promise<void> {
    const before = this.#presence;
    const path = systemBusPath(this.settings.environment);
    if (path === null) return this.#isWithoutBus();
    try {
      const isOwned = await this.#connect(path);
      this.#hasNotFailed();
      // a signal received meanwhile is newer than the answer
      if (this.#presence !== before) return;
      if (!isOwned) this.#isAbsent();
      // calls that wait for the first check do all the work
      else if (before === 'unknown') this.#presence = 'there';
      else this.#isBack();
    } catch (error) {
      this.#bus?.close();
      this.#failed((error as Error).message);
    }
  }

  /** Returns whether firewalld is on the bus. One patience covers all of it, because a set-up waits no longer than that. */
  async #connect(path: string): Promise<boolean> {
    const untilMs = performance.now() + patienceMs;
    const listeners = { signal: (signal: Signal) => this.#heard(signal), lost: () => this.#lost() };
    const bus = await SystemBus.connect(path, listeners, patienceMs);
    if (this.#stopped) bus.close();
    else this.#bus = bus;
    const leftMs = untilMs - performance.now();
    const answers = await Promise.all([
      bus.listen(`type='signal',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${name}'`, leftMs),
      bus.listen(`type='signal',sender='${name}',interface='${name}',member='Reloaded'`, leftMs),
      bus.owner(name, leftMs),
    ]);
    if (!bus.isOpen) throw bus.failure();
    const [changes, reloads, owner] = answers;
    if (answers.some((answer) => 'silent' in answer)) throw bus.failure(silence);
    for (const heard of [changes, reloads]) if ('refused' in heard) throw bus.failure(heard.refused);
    return 'output' in owner;
  }

  #heard({ interface: of, member, body }: Signal): void {
    if (of === 'org.freedesktop.DBus' && member === 'NameOwnerChanged' && body?.[0] === name) {
      if (body[2] === '') this.#isAbsent();
      else this.#isBack();
    }
    if (of === name && member === 'Reloaded') this.#isBack();
  }

  /** Handles an answer that came after its timeout. */
  #spoke(): void {
    if (this.#presence === 'silent') this.#isBack();
  }

  #isBack(): void {
    this.#presence = 'there';
    void this.#turn(() => this.#removeUnwanted(), undefined);
    this.emit('forgot');
  }

  /** Handles firewalld's end: the subnets that it trusted are gone. */
  #isAbsent(): void {
    this.#presence = 'absent';
    this.#unwanted.clear();
  }

  #isWithoutBus(): void {
    this.#unwanted.clear();
    this.#hasNotFailed();
    this.#lost();
  }

  #hasNotFailed(): void {
    this.#failures = 0;
    this.#reported.clear();
  }

  /** Reports a failure, the same one only once. */
  #failed(detail: string): void {
    this.#lost();
    if (this.#stopped) return;
    if (!this.#reported.has(detail)) this.emit('refused', detail);
    this.#reported.add(detail);
    this.#failures += 1;
  }

  #lost(): void {
    this.#bus = null;
    this.#presence = 'unreachable';
    this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#stopped || this.#again) return;
    const doublings = Math.min(this.#failures, mostDoublings);
    this.#again = setTimeout(
      () => {
        this.#again = null;
        void this.start();
      },
      (this.settings.lookAgainMs ?? lookAgainMs) * 2 ** doublings,
    ).unref();
  }
}

const zoneMethod = (member: string): MethodCall => ({ ...service, interface: `${name}.zone`, member });
