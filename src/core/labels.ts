import { z } from 'zod';

/** Limits above any engine's use; one `created` event carries all labels. */
const most = { labels: 256, keyLength: 256, totalLength: 64 * 1024 };

/** Labels of a container, by podman's rules: any key that is not empty and has no `=`, any value. */
export const labelsSchema = z
  .record(z.string(), z.string())
  .refine((labels) => Object.keys(labels).length <= most.labels, `at most ${most.labels} labels are taken`)
  .refine((labels) => Object.keys(labels).every(isKey), {
    message: `a key has 1 to ${most.keyLength} characters, and no = among them`,
  })
  .refine((labels) => totalLength(labels) <= most.totalLength, {
    message: `keys and values together may have ${most.totalLength} characters`,
  });

const isKey = (key: string): boolean => key.length > 0 && key.length <= most.keyLength && !key.includes('=');

const totalLength = (labels: Record<string, string>): number =>
  Object.entries(labels).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
