/**
 * Error in a text or a file, in words that follow its name: `is not valid JSON: line 3, column 9`. A reader that knows the
 * name turns it into a fault or a finding.
 */
export class ContentError extends Error {
  override readonly name = 'ContentError';
}
