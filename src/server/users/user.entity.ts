import { defineEntity, p } from '@mikro-orm/core'

const UserSchema = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    /** As it was given, for sending. Absent for users whom another application signs in. */
    email: p.string().nullable(),
    /** One per mailbox; the only form that is ever compared. */
    emailCanonical: p.string().nullable().unique(),
    emailVerifiedAt: p.datetime().nullable(),
    /** PHC string; never selected unless it is to be checked. */
    passwordHash: p.string().nullable().lazy(),
    /** Counts changes, so that a sign-in that began before one does not survive it. */
    passwordVersion: p.integer(),
    disabledAt: p.datetime().nullable(),
    role: p.string(),
    claims: p.json<Record<string, unknown>>(),
    createdAt: p.datetime(),
  },
})

/** A person's account. */
export class User extends UserSchema.class {}
UserSchema.setClass(User)
