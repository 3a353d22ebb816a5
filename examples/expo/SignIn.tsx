/** The form to sign in, and why it is shown. */
import { useState, type ReactNode } from 'react'
import { Linking, Text, TextInput } from 'react-native'
import { Button } from './Button.tsx'
import { client, HALLPASS } from './hallpass.ts'
import { styles } from './styles.ts'

/** @param why nobody is signed in, if there is anything to say about it */
export function SignIn({ why }: { readonly why: string | null }): ReactNode {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  return (
    <>
      <Text style={styles.title} accessibilityRole="header">
        Sign in
      </Text>
      {why !== null && (
        <Text style={styles.text} accessibilityLiveRegion="polite">
          {why}
        </Text>
      )}
      <TextInput
        style={styles.input}
        value={email}
        onChangeText={setEmail}
        placeholder="E-mail address"
        accessibilityLabel="E-mail address"
        autoCapitalize="none"
        autoComplete="username"
        keyboardType="email-address"
        textContentType="username"
      />
      <TextInput
        style={styles.input}
        value={password}
        onChangeText={setPassword}
        placeholder="Password"
        accessibilityLabel="Password"
        autoComplete="current-password"
        secureTextEntry
        textContentType="password"
      />
      <Button onPress={() => client.signIn({ email, password })}>Sign in</Button>
      <Button onPress={() => Linking.openURL(`${HALLPASS}/sign-up`)}>Create an account</Button>
      <Button onPress={() => Linking.openURL(`${HALLPASS}/reset`)}>Forgot your password?</Button>
    </>
  )
}
