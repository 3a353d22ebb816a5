import { statement, type Database } from '../database/database.ts'

/** The user whom an application knows by this subject, also one who was disabled. @returns null where no sign-in was ever seen */
export async function findSubjectUser(database: Database, subject: string): Promise<string | null> {
  const [user] = await database.query(findUser, [subject])
  return user?.id ?? null
}

const findUser = statement<{ id: string }>('subjects.find_user', 'select id from users where subject = $1::text')
