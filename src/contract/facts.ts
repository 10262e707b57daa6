/**
 * What actors announce, by the noun of the subject: the fourth word of a CloudEvent's type, the last of its subject.
 * docs/subjects.md says what each means, and what its data is.
 */
export const facts = {
  container: [
    'created',
    'netns-ready',
    'configured',
    'failed',
    'running',
    'exited',
    'abandoned',
    'overdue',
    'unwatched',
    'adopted',
    'connected',
    'disconnected',
    'published',
    'port-unreachable',
    'names-left-out',
    'unpublished',
    'drift-detected',
    'drift-healed',
    'degraded',
    'lost',
    'leased',
    'lease-renewed',
    'lease-unrenewed',
    'lease-lost',
    'tearing-down',
    'torn-down',
    'removed',
  ],
  network: [
    'created',
    'configured',
    'adopted',
    'updated',
    'drift-detected',
    'drift-healed',
    'degraded',
    'failed',
    'tearing-down',
    'removed',
  ],
  node: [
    'serving',
    'failed',
    'forwarding-on',
    'forwarding-off',
    'definition-damaged',
    'port-lost',
    'drift-detected',
    'drift-healed',
    'degraded',
    'port-stuck',
    'events-left-out',
  ],
} as const;

export type Fact = (typeof facts)[keyof typeof facts][number];

/** Those of all nouns, each once, in the order of the alphabet. */
export const factNames: readonly Fact[] = [...new Set(Object.values(facts).flat())].sort();
