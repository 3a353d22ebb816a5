/** Three states, three views. No provider: whoever wants the session imports the client. */
import { useSession } from 'hallpass/client/react'
import type { ReactNode } from 'react'
import { Text, View } from 'react-native'
import { Button } from './Button.tsx'
import { Devices } from './Devices.tsx'
import { client } from './hallpass.ts'
import { SignIn } from './SignIn.tsx'
import { styles } from './styles.ts'
import { whySignedOut, whyUnknown } from './words.ts'

export function SessionScreen(): ReactNode {
  const session = useSession(client)
  return (
    <View style={styles.screen}>
      {session.status === 'signed_in' && <Devices key={session.sessionId} />}
      {session.status === 'signed_out' && <SignIn why={whySignedOut(session)} />}
      {session.status === 'unknown' && (
        <>
          <Text style={styles.text} accessibilityLiveRegion="polite">
            {whyUnknown(session.because)}
          </Text>
          <Button onPress={() => client.wake()}>Try now</Button>
        </>
      )}
    </View>
  )
}
