"""What stands around larder in the tests: origins, Redis servers, clients, larder itself.

Standard library only. Everything listens on 127.0.0.1 at ports of its own, nothing sleeps for a fixed time.
"""
