/** Whether both say the same. What is kept is read anew each time, and a state is made anew. */
export const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
