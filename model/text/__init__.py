"""Sentences into conditions: a frozen sentence encoder and small trained heads."""
