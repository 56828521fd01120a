"""What the platform sends when a run has ended (page `synchronization/available-events`)."""

from datetime import datetime

from attrs import frozen

from .run_refs import RunRef


@frozen(kw_only=True)
class WebhookContent:
    """The contents of a message: the run and its result.

    Attributes:
        synchronization_id: The run.
        imodel_id: Its iModel.
        connection_id: Its storage connection.
        result: What came of it, in lower case, such as `success`. The run itself has the details.
    """

    synchronization_id: str
    imodel_id: str
    connection_id: str
    result: str


@frozen(kw_only=True)
class WebhookMessage:
    """A message of the event type `synchronization.jobCompleted.v1`: a run has ended.

    Attributes:
        content: What happened.
        event_type: `synchronization.jobCompleted.v1`.
        enqueued_date_time: When the platform made the message, to the second.
        itwin_id: The iTwin of the iModel.
        message_id: Names the message; one that comes twice has the same.
        webhook_id: The webhook that it was sent to.
    """

    content: WebhookContent
    event_type: str
    enqueued_date_time: datetime
    itwin_id: str
    message_id: str
    webhook_id: str

    @property
    def ref(self) -> RunRef:
        """The run that has ended. A message does not say of which kind its connection is: it counts as storage.

        A `CompletionNotifier` wakes the watches of a manifest connection with it just as well.
        """
        return RunRef(connection_id=self.content.connection_id, run_id=self.content.synchronization_id)
