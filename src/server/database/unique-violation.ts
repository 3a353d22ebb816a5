/** Somebody else was faster to take what there can be only one of; the transaction is undone (SQLSTATE 23505). */
export const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23505'
