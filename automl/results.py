"""Functions behind the commands for trained networks, one for each verb; `service` has those of the search."""
