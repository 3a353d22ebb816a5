/** A button, and what went wrong with what it does. */
import { useState, type ReactNode } from 'react'
import { Pressable, Text } from 'react-native'
import { styles } from './styles.ts'
import { whatWentWrong } from './words.ts'

interface Props {
  /** What it throws is shown. */
  readonly onPress: () => unknown
  /** Where the words on the button do not say enough by themselves. */
  readonly label?: string
  readonly children: string
}

export function Button({ onPress, label, children }: Props): ReactNode {
  const [isPending, setIsPending] = useState(false)
  const [fault, setFault] = useState<string | null>(null)

  async function press(): Promise<void> {
    setIsPending(true)
    setFault(null)
    try {
      await onPress()
    } catch (error) {
      setFault(whatWentWrong(error))
    } finally {
      setIsPending(false)
    }
  }

  return (
    <>
      {fault !== null && (
        <Text style={styles.fault} accessibilityLiveRegion="assertive">
          {fault}
        </Text>
      )}
      <Pressable
        style={styles.button}
        disabled={isPending}
        onPress={() => void press()}
        accessibilityRole="button"
        accessibilityLabel={label ?? children}
      >
        <Text style={styles.buttonText}>{children}</Text>
      </Pressable>
    </>
  )
}
