/** The kernel's PID_MAX_LIMIT: no process of a 64-bit Linux has a larger ID. */
export const mostPid = 4_194_304;
