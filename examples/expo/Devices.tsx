/** The devices that are signed in, and how to end them. */
import { HallpassError, type SessionInfo } from 'hallpass/client'
import { useCallback, useEffect, useState, type ReactNode } from 'react'
import { FlatList, Text, TextInput, View } from 'react-native'
import { Button } from './Button.tsx'
import { client } from './hallpass.ts'
import { styles } from './styles.ts'

export function Devices(): ReactNode {
  const [devices, setDevices] = useState<readonly SessionInfo[]>([])
  /** What waits for the password, since it is a while ago that somebody proved who they are (RFC 9470). */
  const [waiting, setWaiting] = useState<{ readonly work: () => Promise<unknown> } | null>(null)

  const reload = useCallback(async () => setDevices(await client.sessions.list()), [])

  useEffect(() => {
    const reloadSoon = (): void => void reload().catch(() => undefined) // what was shown stays
    reloadSoon()
    return client.sessions.onChange(reloadSoon)
  }, [reload])

  async function run(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
      setWaiting(null)
      await reload()
    } catch (error) {
      if (!wantsProof(error)) throw error
      setWaiting({ work })
    }
  }

  if (waiting !== null) return <ConfirmPassword onConfirmed={() => run(waiting.work)} />
  return (
    <>
      <Text style={styles.title} accessibilityRole="header">
        Your devices
      </Text>
      <FlatList
        data={devices}
        keyExtractor={({ id }) => id}
        renderItem={({ item }) => (
          <Device session={item} onSignOut={() => run(() => client.sessions.revoke(item.id))} />
        )}
      />
      <Button onPress={() => run(() => client.sessions.revokeOthers())}>Sign out all other devices</Button>
      <Button onPress={() => client.signOut()}>Sign out</Button>
    </>
  )
}

function Device(props: { readonly session: SessionInfo; readonly onSignOut: () => Promise<void> }): ReactNode {
  const { current, device } = props.session
  const name = device.name ?? device.label
  return (
    <View style={styles.row}>
      <Text style={styles.text}>{current ? `${name} (this device)` : name}</Text>
      {!current && (
        <Button label={`Sign out ${name}`} onPress={props.onSignOut}>
          Sign out
        </Button>
      )}
    </View>
  )
}

function ConfirmPassword({ onConfirmed }: { readonly onConfirmed: () => Promise<void> }): ReactNode {
  const [password, setPassword] = useState('')

  async function confirm(): Promise<void> {
    await client.reauthenticate({ password })
    await onConfirmed()
  }

  return (
    <>
      <Text style={styles.text}>Confirm with your password</Text>
      <TextInput
        style={styles.input}
        value={password}
        onChangeText={setPassword}
        accessibilityLabel="Password"
        autoComplete="current-password"
        autoFocus
        secureTextEntry
        textContentType="password"
      />
      <Button onPress={confirm}>Go on</Button>
    </>
  )
}

const wantsProof = (error: unknown): boolean =>
  error instanceof HallpassError && error.code === 'insufficient_user_authentication'
