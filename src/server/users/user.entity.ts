import { defineEntity, p } from '@mikro-orm/core'

/** `admin` opens the pages for operators. It is read from the row whenever it is asked for, and is in no token. */
export type UserRole = 'user' | 'admin'

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
    /** What another application, which signs this person in, calls them. */
    subject: p.string().nullable(),
    /** PHC string; never selected unless it is to be checked. */
    passwordHash: p.string().nullable().lazy(),
    /** Counts changes, so that a sign-in that began before one does not survive it. */
    passwordVersion: p.integer(),
    disabledAt: p.datetime().nullable(),
    role: p.string().$type<UserRole>(),
    claims: p.json<Record<string, unknown>>(),
    createdAt: p.datetime(),
  },
})

/** A person's account. */
export class User extends UserSchema.class {}
UserSchema.setClass(User)
