"""Whether a customer may be contacted: consent, refusals, holds, and the one gate before sending.

Every outbound contact of every plugin asks :class:`~relatum.contact.gate.ContactGate`; what it
answers is stored and explains itself.
"""
