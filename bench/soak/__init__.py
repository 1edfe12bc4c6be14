"""One long session: do memory and step time stay flat?"""
