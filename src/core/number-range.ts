/** Whole numbers from `first` to `last`, both included. */
export interface Span {
  first: number;
  last: number;
}

/** Returns the rest of the spans without those that are taken, in order. */
export function withoutSpans(spans: readonly Span[], taken: readonly Span[]): Span[] {
  return taken.reduce<Span[]>((left, gone) => left.flatMap((span) => withoutSpan(span, gone)), [...spans]);
}

function withoutSpan({ first, last }: Span, gone: Span): Span[] {
  if (gone.last < first || last < gone.first) return [{ first, last }];
  return [
    { first, last: gone.first - 1 },
    { first: gone.last + 1, last },
  ].filter((part) => part.first <= part.last);
}

/** Returns the parts that are in both. */
export function commonSpans(spans: readonly Span[], others: readonly Span[]): Span[] {
  return withoutSpans(spans, withoutSpans(spans, others));
}
